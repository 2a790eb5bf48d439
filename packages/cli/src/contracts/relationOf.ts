/** A file of data as a relation of DuckDB. */
import * as fs from "node:fs/promises";
import { Artifact, Duckdb, Source, TableSchema } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";

/** Why a file cannot be read, in words. */
type Problem = string;

/**
 * The relation; text is read once, into a table, Parquet stays where it is. Fails for what is no file, and
 * for what is something else than its name says.
 */
export const relationOf = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<string, Problem, Duckdb.Duckdb> {
  const kind = kinds.find(({ names }) => names.test(file));
  if (kind === undefined) {
    return yield* Effect.fail(
      "its name ends like none of .parquet, .csv, .tsv, .ndjson, .jsonl, .json",
    );
  }
  const { what, next } = Source.looksLike(yield* headOf(file));
  if (what === "binary data" && kind.is.includes("CSV text")) {
    return yield* Effect.fail("it is no text in UTF-8: convert it, as with iconv -f WINDOWS-1252");
  }
  if (!(packings.find(({ names }) => names.test(file)) ?? kind).is.includes(what)) {
    return yield* Effect.fail(`it looks like ${what}. ${next}`);
  }
  const from = Duckdb.fileLiteral(file);
  if (kind.reader === "read_parquet") return `read_parquet(${from})`;
  return yield* kind.reader === "read_json" ? read(file, `read_json(${from}, ${all})`) : csv(file);
});

interface Kind {
  readonly names: RegExp;
  /** What it may look like. */
  readonly is: ReadonlyArray<string>;
}

const kinds: ReadonlyArray<Kind & { readonly reader: string }> = [
  { names: /\.(parquet|pq)$/i, is: ["a Parquet file"], reader: "read_parquet" },
  {
    names: /\.(csv|tsv|txt)(\.gz|\.zst)?$/i,
    is: ["CSV text", "plain text"],
    reader: "read_csv",
  },
  { names: /\.(ndjson|jsonl|json)(\.gz|\.zst)?$/i, is: ["JSON text"], reader: "read_json" },
];

const packings: ReadonlyArray<Kind> = [
  { names: /\.gz$/i, is: ["gzip data"] },
  { names: /\.zst$/i, is: ["zstd data"] },
];

/** Types are found by all rows, not by the first. */
const all = "sample_size = -1";

const headOf = (file: string): Effect.Effect<Buffer, Problem> =>
  Artifact.attempt("read", file, async () => {
    const handle = await fs.open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(65_536), 0, 65_536, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  }).pipe(
    Effect.mapError(({ code }) => {
      if (code === "ENOENT" || code === "ENOTDIR") return "there is no such file";
      return code === "EISDIR" ? "it is a folder: name one of its files" : code;
    }),
  );

/**
 * Read as `Source.csv` reads it: the first line is the header, and only `true` and `false` are booleans, so
 * that the draft accepts its own file.
 *
 * Where lines have unlike numbers of fields, DuckDB's search for the delimiter may end with none, and one
 * column of whole lines. Read with the fields that the header has, it names the line.
 */
const csv = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<string, Problem, Duckdb.Duckdb> {
  const from = Duckdb.fileLiteral(file);
  const types =
    "['NULL', 'BIGINT', 'DOUBLE', 'TIME', 'DATE', 'TIMESTAMP', 'TIMESTAMPTZ', 'VARCHAR']";
  const relation = yield* read(
    file,
    `read_csv(${from}, ${all}, header = true, quote = '"', auto_type_candidates = ${types})`,
  );
  const columns = yield* TableSchema.describe(relation).pipe(Effect.mapError(problemOf));
  const [{ name: header } = { name: "" }] = columns;
  const [delimiter] = /[,;\t|]/.exec(header) ?? [];
  if (columns.length > 1 || delimiter === undefined) {
    yield* booleansOf(relation, columns);
    return relation;
  }
  const fields = header.split(delimiter).map((_, index) => `f${index}: 'VARCHAR'`);
  const dialect = `delim = ${Duckdb.literal(delimiter)}, quote = '"', escape = '"', header = true`;
  yield* read(
    file,
    `read_csv(${from}, auto_detect = false, ${dialect}, columns = {${fields.join(", ")}})`,
  );
  return yield* Effect.fail(`its lines are not fields between "${delimiter}"`);
});

const read = (file: string, reader: string): Effect.Effect<string, Problem, Duckdb.Duckdb> =>
  Duckdb.Duckdb.use((db) =>
    db.execute(`read ${file}`, `CREATE OR REPLACE TABLE drafted AS SELECT * FROM ${reader}`),
  ).pipe(Effect.mapBoth({ onSuccess: () => "drafted", onFailure: problemOf }));

/** What DuckDB says, without its options, which nobody here can set, and without our query. */
export const problemOf = ({ problem }: Duckdb.DuckdbError): Problem =>
  (problem.split(/\n\s*(?:Possible |file = |LINE \d)/)[0] ?? problem).trim();

/** Makes booleans of the columns of text that have only `true` and `false`. */
const booleansOf = Effect.fnUntraced(function* (
  relation: string,
  columns: ReadonlyArray<TableSchema.SqlColumn>,
) {
  const db = yield* Duckdb.Duckdb;
  const texts = columns
    .filter(({ type }) => type === "VARCHAR")
    .map(({ name }) => Duckdb.identifier(name));
  if (texts.length === 0) return;
  const asks = texts.map((name, i) => `bool_and(lower(${name}) IN ('true', 'false')) AS b${i}`);
  const [row] = yield* db.rows("look for booleans", `SELECT ${asks.join(", ")} FROM ${relation}`);
  for (const name of texts.filter((_, i) => row?.[`b${i}`] === true)) {
    yield* db.execute("read booleans", `ALTER TABLE ${relation} ALTER COLUMN ${name} TYPE BOOLEAN`);
  }
}, Effect.mapError(problemOf));

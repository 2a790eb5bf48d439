/**
 * Tables: typed handles on columnar data. A table never holds rows; it says where they are, under
 * which contract, in which role, and by which digest.
 */
import { Artifact, Contract, Digest } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { join } from "node:path";
import { Duckdb, type DuckdbError, fileLiteral, literal } from "./Duckdb.ts";

/**
 * What a table may be used for. `raw` is as ingested, `checked` passed validation; `train`,
 * `validation` and `test` come from a split; `live` is what arrives after the test period; `golden` are
 * rows with agreed labels, which nothing is ever trained on.
 */
export const Role = Schema.Literals([
  "raw",
  "checked",
  "train",
  "validation",
  "test",
  "live",
  "golden",
]);
/** See {@link Role}. */
export type Role = typeof Role.Type;

/** A Parquet file outside the state folder, read in place; its digest is taken at ingest. */
const SourceFile = Schema.Struct({ path: Schema.String, digest: Digest.Digest, bytes: Schema.Int });

const whole = [
  Schema.TaggedStruct("artifact", { artifact: Artifact.Artifact }),
  Schema.TaggedStruct("source", { file: SourceFile }),
] as const;

const fields = {
  contract: Schema.Struct({
    name: Schema.String,
    version: Schema.String,
    digest: Digest.Digest,
  }),
  role: Role,
  rows: Schema.Int,
  data: Schema.Union([
    ...whole,
    /**
     * Some rows of a file, which is not copied: those whose number in `assignment`, a file with a column
     * `~part` and the same number of rows in the same order, is one of `parts`.
     */
    Schema.TaggedStruct("parts", {
      of: Schema.Union(whole),
      assignment: Artifact.Artifact,
      parts: Schema.Array(Schema.Int),
    }),
  ]),
  /** The split that made the table, if one did: tables of one split belong together. */
  split: Schema.NullOr(Schema.String),
};

/** Any table, as it is stored. */
export const AnyTable = Schema.Struct(fields);
/** See {@link AnyTable}. */
export type AnyTable = typeof AnyTable.Type;

/**
 * A table under contract `C` in role `R`. Both are real fields, checked again when a stage takes the
 * table as its input.
 */
export interface Table<
  out C extends Contract.Contract = Contract.Contract,
  out R extends Role = Role,
> extends AnyTable {
  readonly contract: AnyTable["contract"] & { readonly name: C["name"] };
  readonly role: R;
  /** Only for the compiler: carries the columns' types. */
  readonly "~contract"?: C;
}

/**
 * The schema of tables under a contract in a role: what a stage names as its input or output.
 *
 * @example
 * ```ts
 * import { Column, Contract, Stage } from "@ml-pipe/core";
 * import { Table } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 *
 * const Point = Contract.make("point", { version: "1", owner: "lab", columns: { x: Column.float() } });
 * const count = Stage.make("count", {
 *   input: { data: Table.of(Point, "train") },
 *   output: Schema.Int,
 *   run: ({ data }) => Effect.succeed(data.rows),
 * });
 * ```
 */
export const of = <C extends Contract.Contract, R extends Role>(
  contract: C,
  role: R,
): Schema.Codec<Table<C, R>, unknown> => {
  const isThis = (table: AnyTable): table is Table<C, R> =>
    table.role === role && table.contract.digest === contract.digest;
  return AnyTable.pipe(
    Schema.refine(isThis, {
      title: `Table<${contract.name}, ${role}>`,
      expected: `a ${role} table under contract ${contract.name} ${contract.spec.version} (${short(contract.digest)})`,
      ...Contract.annotationsOf(contract),
    }),
  );
};

const short = (digest: Digest.Digest): string => digest.slice(0, 15);

/** The digest of a table's bytes, or of which rows of a file it has. */
export const digestOf = ({ data }: Pick<AnyTable, "data">): Digest.Digest => {
  switch (data._tag) {
    case "artifact":
      return data.artifact.digest;
    case "source":
      return data.file.digest;
    case "parts":
      return Digest.ofJson([digestOf({ data: data.of }), data.assignment.digest, data.parts]);
  }
};

/** A source file is no longer what was ingested. */
export class SourceChanged extends Schema.TaggedError<SourceChanged>()("SourceChanged", {
  path: Schema.String,
  expected: Digest.Digest,
  found: Schema.String,
}) {
  override get message(): string {
    return `${this.path} changed since it was ingested (expected ${this.expected.slice(0, 19)}, found ${this.found.slice(0, 19)}). Run the pipeline again to ingest the new file.`;
  }
}

/** What reading a table can fail with. */
export type ReadError = Artifact.ArtifactMissing | SourceChanged;

/**
 * The table as a relation in SQL, in the order of its rows. Verifies that the data is what it was. With
 * `rowNumbers`, a column `file_row_number` counts the rows of the file from 0.
 */
export const relation = Effect.fnUntraced(function* (
  { data }: Pick<AnyTable, "data">,
  options: { readonly rowNumbers?: boolean } = {},
): Effect.fn.Return<string, ReadError, Artifact.ArtifactStore> {
  if (data._tag !== "parts") return parquet(yield* pathOf({ data }), options);
  const all = parquet(yield* pathOf({ data: data.of }), options);
  const assignment = parquet(yield* (yield* Artifact.ArtifactStore).path(data.assignment));
  return `(SELECT "~t".* FROM ${all} AS "~t" POSITIONAL JOIN ${assignment} AS "~a"
    WHERE "~a"."~part" IN (${data.parts.join(", ")}))`;
});

/**
 * The path of the Parquet file of a table that has all of its rows. Verifies that the data is what it
 * was. What takes any table reads its {@link relation}.
 */
export const pathOf = Effect.fnUntraced(function* ({
  data,
}: Pick<AnyTable, "data">): Effect.fn.Return<string, ReadError, Artifact.ArtifactStore> {
  switch (data._tag) {
    case "artifact":
      return yield* (yield* Artifact.ArtifactStore).path(data.artifact);
    case "source": {
      const { path, digest } = data.file;
      const found = yield* Effect.promise(() => Artifact.digestFile(path).catch(() => undefined));
      if (found?.digest === digest) return path;
      const foundText = found?.digest ?? "no file";
      return yield* new SourceChanged({ path, expected: digest, found: foundText });
    }
    case "parts":
      throw new TypeError("this table is part of a file: read it with Table.relation");
  }
});

/**
 * A Parquet file as a relation in SQL: this file exactly, whatever characters its path has, and its own
 * columns only. With `rowNumbers`, a column `file_row_number` counts its rows from 0.
 */
export const parquet = (path: string, options: { readonly rowNumbers?: boolean } = {}): string => {
  const rowNumbers = options.rowNumbers === true ? ", file_row_number = true" : "";
  return `read_parquet(${fileLiteral(path)}, hive_partitioning = false${rowNumbers})`;
};

/**
 * Computes the rows of a query once, into a file that lasts as long as the scope: a relation for queries that
 * read them more than once.
 *
 * @example
 * ```ts
 * import { Duckdb, Table } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const twice = Effect.gen(function* () {
 *   const squares = yield* Table.scratch("square", "SELECT i * i AS square FROM range(10) t(i)");
 *   return yield* Duckdb.Duckdb.use((db) => db.rows("add", `SELECT sum(square) AS sum FROM ${squares}`));
 * }).pipe(Effect.scoped);
 * ```
 */
export const scratch = Effect.fnUntraced(function* (
  operation: string,
  query: string,
): Effect.fn.Return<
  string,
  DuckdbError | Artifact.ArtifactStoreError,
  Duckdb | Artifact.ArtifactStore | Scope.Scope
> {
  const db = yield* Duckdb;
  const store = yield* Artifact.ArtifactStore;
  const file = join(yield* store.temporaryFolder, "rows.parquet");
  yield* db.execute(operation, `COPY (${query}) TO ${literal(file)} (FORMAT parquet)`);
  return parquet(file);
});

/** What writing a table can fail with. */
export type WriteError = DuckdbError | Artifact.ArtifactStoreError;

/**
 * Writes the rows of a query as a table: Parquet with zstd, in the query's order.
 *
 * End the query in an ORDER BY that leaves no ties between different rows, because equal rows must make
 * equal bytes. Filtering a table that is already in order is not enough: how DuckDB cuts the result
 * into row groups then depends on the number of threads. Nothing is stored if the query fails or is
 * interrupted.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Table } from "@ml-pipe/data";
 *
 * const Point = Contract.make("point", { version: "1", owner: "lab", columns: { x: Column.float() } });
 * const three = Table.write(Point, "raw", { query: "SELECT i::DOUBLE AS x FROM range(3) t(i) ORDER BY i" });
 * ```
 */
export const write = Effect.fnUntraced(function* <C extends Contract.Contract, R extends Role>(
  contract: C,
  role: R,
  options: { readonly query: string; readonly split?: string | null },
): Effect.fn.Return<Table<C, R>, WriteError, Duckdb | Artifact.ArtifactStore> {
  const db = yield* Duckdb;
  const store = yield* Artifact.ArtifactStore;
  const operation = `write the ${role} table under ${contract.name}`;
  let rows = 0;
  const artifact = yield* store.put("application/vnd.apache.parquet", (file) =>
    Effect.gen(function* () {
      yield* db.execute(
        operation,
        `COPY (${options.query}) TO ${literal(file)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      const [count] = yield* db.rows(
        operation,
        `SELECT CAST(num_rows AS DOUBLE) AS n FROM parquet_file_metadata(${fileLiteral(file)})`,
      );
      rows = Number(count?.["n"] ?? 0);
    }),
  );
  return make(contract, role, {
    rows,
    data: { _tag: "artifact", artifact },
    split: options.split ?? null,
  });
});

/** A handle on data that is already where it belongs. */
export const make = <C extends Contract.Contract, R extends Role>(
  contract: C,
  role: R,
  where: Pick<AnyTable, "rows" | "data" | "split">,
): Table<C, R> => {
  const { name, spec, digest } = contract;
  return { contract: { name, version: spec.version, digest }, role, ...where };
};

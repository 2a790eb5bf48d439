/** Reads the parts of a source, checks them, and writes what they hold: rows, and records set aside. */
import type { Artifact, Column, Contract, Stage } from "@ml-pipe/core";
import { Duckdb, Table, TableSchema } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import {
  EmptyTable,
  RecordsRejected,
  type SchemaDrift,
  type SchemaMismatch,
  SourceBroken,
} from "../SourceError.ts";
import { type Ingested, Rejected } from "../Rejected.ts";
import type { Part } from "./delivery.ts";
import { columnsExhibit, factsExhibit, filesExhibit } from "./exhibits.ts";
import { checkSchema, type DriftPolicy } from "./schema.ts";

interface Taking<C extends Contract.Contract> {
  readonly contract: C;
  readonly source: string;
  readonly parts: ReadonlyArray<Part>;
  readonly atMost: number;
  readonly drift: DriftPolicy;
  /** The columns of a file that was taken before, with which these are compared. */
  readonly reference?: Pick<Part, "name" | "columns">;
  /** Whether there may be nothing. */
  readonly mayBeEmpty?: boolean;
}

/** What was taken. */
interface Taken<C extends Contract.Contract> extends Ingested<C> {
  /** Records set aside, by part. */
  readonly rejectedOf: ReadonlyMap<string, number>;
}

/** Takes everything there is in the parts of a source. */
export const take = Effect.fnUntraced(function* <C extends Contract.Contract>(
  { contract, source, parts, atMost, drift, reference, mayBeEmpty = false }: Taking<C>,
  { exhibit, finding, progress }: Stage.StageContext<{}>,
): Effect.fn.Return<
  Taken<C>,
  | SchemaMismatch
  | SchemaDrift
  | RecordsRejected
  | EmptyTable
  | SourceBroken
  | Table.WriteError
  | Table.ReadError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const { name, spec } = contract;
  const about = { contract: name, version: spec.version, owner: spec.owner };
  const tolerated = yield* checkSchema(contract, source, parts, drift, reference);
  yield* Effect.forEach(tolerated, finding);
  const records = parts.reduce((sum, part) => sum + part.records, 0);
  if (records === 0 && !mayBeEmpty) return yield* new EmptyTable({ ...about, path: source });
  yield* progress({ label: "read all records", rows: records });
  const table = yield* Table.write(contract, "raw", { query: rowsSql(contract, parts) }).pipe(
    Effect.catchTag("DuckdbError", (error) => damagedPart(contract, parts, error)),
  );
  const unread = parts.reduce((sum, part) => sum + (part.rejects?.records ?? 0), 0);
  const allRead = table.rows + unread === records;
  const aside = rejectedSql(contract, parts, allRead);
  const quarantine = yield* Table.write(Rejected, "raw", { query: aside });
  const rejected = quarantine.rows;
  if (table.rows + rejected !== records) {
    return yield* Effect.die(
      new Error(`${table.rows} rows and ${rejected} rejected records are not ${records} records`),
    );
  }
  yield* exhibit(
    columnsExhibit(
      contract,
      `${source}: ${records} records`,
      parts.flatMap(({ columns }) => columns),
    ),
  );
  yield* exhibit(filesExhibit(parts));
  const facts = factsExhibit(parts);
  if (facts !== undefined) yield* exhibit(facts);
  const rejectedOf = rejected === 0 ? new Map<string, number>() : yield* countsOf(quarantine);
  if (rejected > 0) {
    const path = yield* Table.pathOf(quarantine);
    if (rejected > atMost * records || rejected === records) {
      const first = yield* firstOf(path);
      const counts = { records, rejected, atMost };
      return yield* new RecordsRejected({ ...about, source, ...counts, first, quarantine: path });
    }
    yield* finding({
      check: "records.readable",
      severity: "warn",
      owner: spec.owner,
      expected: `every record of ${source} to be a row of the contract "${name}" ${spec.version}`,
      found: `${rejected} of ${records} records that are not`,
      rows: rejected,
      next: `They are in ${path}, with the reasons. Tell ${spec.owner}.`,
    });
  }
  yield* progress({ label: "rows", rows: table.rows });
  return { table, quarantine, rejectedOf };
});

/** Which part it is that could not be read, unless what failed was something else. */
const damagedPart = Effect.fnUntraced(function* (
  contract: Contract.Contract,
  parts: ReadonlyArray<Part>,
  error: Duckdb.DuckdbError,
): Effect.fn.Return<never, Duckdb.DuckdbError | SourceBroken, Duckdb.Duckdb> {
  const db = yield* Duckdb.Duckdb;
  if (/out of memory|no space left|interrupt/i.test(error.problem)) return yield* error;
  for (const part of parts) {
    if (part.format === undefined) continue;
    const { read, good } = readingsOf(contract, part);
    const tried = yield* Effect.result(
      db.execute("look for a damaged part", `SELECT count(*) FILTER (${good}) FROM ${read}`),
    );
    if (tried._tag === "Success") continue;
    const { problem } = tried.failure;
    return yield* new SourceBroken({ path: part.name, format: part.format, problem });
  }
  return yield* error;
});

/** The rows, in the order of the parts and of the records in them. */
const rowsSql = (contract: Contract.Contract, parts: ReadonlyArray<Part>): string => {
  if (parts.length === 0) return noRows(contract);
  const columns = Object.keys(contract.columns).map(Duckdb.identifier);
  const selects = parts.map((part, index) => {
    const { read, good, values } = readingsOf(contract, part);
    const at = part.unordered === true ? `0 AS "~at"` : `"~at"`;
    return `SELECT ${index} AS "~part", ${at}, ${values.join(", ")} FROM ${read} WHERE ${good}`;
  });
  const byValue = parts.some(({ unordered }) => unordered === true) ? columns : [];
  const order = [`"~part"`, `"~at"`, ...byValue].join(", ");
  return `SELECT ${columns.join(", ")} FROM (${selects.join(" UNION ALL ")}) ORDER BY ${order}`;
};

const noRows = ({ spec }: Contract.Contract): string => {
  const columns = Object.entries(spec.columns).map(
    ([name, column]) =>
      `CAST(NULL AS ${TableSchema.canonicalType(column)}) AS ${Duckdb.identifier(name)}`,
  );
  return `SELECT ${columns.join(", ")} WHERE false`;
};

/** The records set aside, each with all reasons. */
const rejectedSql = (
  contract: Contract.Contract,
  parts: ReadonlyArray<Part>,
  onlyUncut: boolean,
): string => {
  const selects = parts.flatMap((part, index) => {
    const file = `${index} AS part, ${Duckdb.literal(part.name)} AS file`;
    const uncut =
      part.rejects === undefined
        ? []
        : [`SELECT ${file}, nth, line, raw, [reason] AS reasons FROM ${part.rejects.from}`];
    if (onlyUncut) return uncut;
    const { read, good, reasons } = readingsOf(contract, part);
    const misread = `SELECT ${file}, "~at" AS nth, "~line" AS line, "~raw" AS raw, ${reasons} AS reasons FROM ${read} WHERE NOT (${good})`;
    return [...uncut, misread];
  });
  const none = `SELECT 0 AS part, '' AS file, 0 AS nth, 0 AS line, '' AS raw, [''] AS reasons WHERE false`;
  return [
    "SELECT file, CAST(line AS BIGINT) AS line, coalesce(raw, '') AS raw,",
    "CAST(to_json(reasons) AS VARCHAR) AS reasons",
    `FROM (${[none, ...selects].join(" UNION ALL ")}) ORDER BY part, nth`,
  ].join(" ");
};

interface Readings {
  /** The part with what was found (f0, f1, …) and the values (v0, v1, …) beside it. */
  readonly read: string;
  /** Whether a record is a row. */
  readonly good: string;
  /** The contract's columns. */
  readonly values: ReadonlyArray<string>;
  /** Why a record is no row, as a list. */
  readonly reasons: string;
}

const readingsOf = (contract: Contract.Contract, part: Part): Readings => {
  const columns = Object.entries(contract.spec.columns).map(([column, spec], index) => {
    const [found, value] = [`"f${index}"`, `"v${index}"`];
    const reading = part.read(column, spec);
    const type = TableSchema.canonicalType(spec);
    const expected = Duckdb.literal(`column "${column}": expected ${words[spec.type]}, found "`);
    const shown = reading?.shown?.(found) ?? found;
    return {
      found: `${reading?.found ?? "NULL"} AS ${found}`,
      value: `${reading?.value(found) ?? "NULL"} AS ${value}`,
      column: `CAST(${value} AS ${type}) AS ${Duckdb.identifier(column)}`,
      good: `(${found} IS NULL OR ${value} IS NOT NULL)`,
      reason: `CASE WHEN ${found} IS NOT NULL AND ${value} IS NULL THEN ${expected} || left(${shown}, 80) || '"' END`,
    };
  });
  const { at, line, raw, problem = "NULL", from } = part;
  const record = `${at} AS "~at", ${line} AS "~line", ${raw} AS "~raw", ${problem} AS "~problem"`;
  const found = [record, ...columns.map(({ found }) => found)].join(", ");
  const values = ["*", ...columns.map(({ value }) => value)].join(", ");
  const good = [`"~problem" IS NULL`, ...columns.map(({ good }) => good)].join(" AND ");
  return {
    // DuckDB moves a filter below what computes its values, and would compute them twice: not one that
    // it takes for random.
    read: `(SELECT *, (${good}) AND random() <= 1 AS "~good" FROM (SELECT ${values} FROM (SELECT ${found} FROM ${from})))`,
    good: `"~good"`,
    values: columns.map(({ column }) => column),
    reasons: `list_filter(["~problem", ${columns.map(({ reason }) => reason).join(", ")}], lambda reason : reason IS NOT NULL)`,
  };
};

const words: { readonly [type in Column.ColumnType]: string } = {
  boolean: "true or false",
  int: "a whole number",
  float: "a number",
  string: "text",
  timestamp: "a time",
  list: "a list of such values",
  struct: "a record of such fields",
  embedding: "a list of numbers",
};

const countsOf = Effect.fnUntraced(function* (quarantine: Table.AnyTable) {
  const db = yield* Duckdb.Duckdb;
  const rows = yield* db.rows(
    "count the rejected records",
    `SELECT file, CAST(count(*) AS DOUBLE) AS n FROM ${yield* Table.relation(quarantine)} GROUP BY file`,
  );
  return new Map(rows.map(({ file, n }) => [String(file), Number(n)]));
});

/** The first records that were set aside, to be shown. */
const firstOf = Effect.fnUntraced(function* (quarantine: string) {
  const db = yield* Duckdb.Duckdb;
  const rows = yield* db.rows(
    "read the first rejected records",
    `SELECT file, line, left(raw, 1000) AS raw, from_json(reasons, '["VARCHAR"]') AS reasons FROM ${Table.parquet(quarantine)} LIMIT 10`,
  );
  return rows.map(({ file, line, raw, reasons }) => ({
    file: String(file),
    line: Number(line),
    raw: String(raw),
    reasons: Array.isArray(reasons) ? reasons.map(String) : [],
  }));
});

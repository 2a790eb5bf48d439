/**
 * The physical columns of a table held against a contract: which column types are accepted, what is
 * missing, and what was probably renamed.
 */
import { type Column, type Contract, Similarity } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Duckdb, type DuckdbError } from "./Duckdb.ts";

/** A column as DuckDB sees it. */
export interface SqlColumn {
  readonly name: string;
  /** Such as `BIGINT` or `TIMESTAMP WITH TIME ZONE`. */
  readonly type: string;
}

/** The columns of a relation, without reading its rows. */
export const describe = Effect.fnUntraced(function* (
  relation: string,
): Effect.fn.Return<ReadonlyArray<SqlColumn>, DuckdbError, Duckdb> {
  const db = yield* Duckdb;
  const rows = yield* db.rows("read the columns", `DESCRIBE SELECT * FROM ${relation}`);
  return rows.map((row) => ({
    name: String(row["column_name"]),
    type: String(row["column_type"]),
  }));
});

const canonical: { readonly [type in Column.ColumnType]: string } = {
  boolean: "BOOLEAN",
  int: "BIGINT",
  float: "DOUBLE",
  string: "VARCHAR",
  timestamp: "TIMESTAMP",
};

/** The DuckDB type in which tables under a contract store a column. */
export const canonicalType = (type: Column.ColumnType): string => canonical[type];

const signed = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT"];
const integers = [...signed, ...signed.map((type) => `U${type}`)];

const accepted: { readonly [type in Column.ColumnType]: ReadonlySet<string> } = {
  boolean: new Set(["BOOLEAN"]),
  int: new Set(integers),
  float: new Set(["FLOAT", "DOUBLE", ...integers]),
  string: new Set(["VARCHAR"]),
  timestamp: new Set([
    "DATE",
    "TIMESTAMP",
    "TIMESTAMP_S",
    "TIMESTAMP_MS",
    "TIMESTAMP_NS",
    "TIMESTAMP WITH TIME ZONE",
  ]),
};

/**
 * Whether a column of a DuckDB type can be taken as a contract's type without loss. Instants keep
 * their milliseconds. A 64-bit integer is accepted although it may hold values beyond ±(2^53 − 1):
 * validation finds those.
 *
 * @example
 * ```ts
 * import { TableSchema } from "@ml-pipe/data";
 *
 * const widened: boolean = TableSchema.accepts("float", "INTEGER"); // true
 * const parsed: boolean = TableSchema.accepts("int", "VARCHAR"); // false
 * ```
 */
export const accepts = (type: Column.ColumnType, sqlType: string): boolean =>
  accepted[type].has(sqlType);

/** One way in which the columns of a table do not fit a contract. */
export const SchemaProblem = Schema.Struct({
  kind: Schema.Literals(["missing", "renamed", "type"]),
  column: Schema.String,
  expected: Schema.String,
  found: Schema.String,
  /** What to do next. */
  next: Schema.String,
});
/** See {@link SchemaProblem}. */
export type SchemaProblem = typeof SchemaProblem.Type;

/** A table's columns held against a contract. */
export interface Comparison {
  readonly problems: ReadonlyArray<SchemaProblem>;
  /** Columns of the table that the contract does not have. */
  readonly extra: ReadonlyArray<SqlColumn>;
}

/**
 * Compares columns with a contract. Names must be equal to the letter, although DuckDB does not
 * distinguish case; a missing column with a likely new name is reported as renamed.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { TableSchema } from "@ml-pipe/data";
 *
 * const Point = Contract.make("point", { version: "1", owner: "lab", columns: { x: Column.float() } });
 * const { problems } = TableSchema.compare(Point, [{ name: "X", type: "DOUBLE" }]);
 * const kind = problems[0]?.kind; // "renamed"
 * ```
 */
export const compare = (
  contract: Contract.Contract,
  columns: ReadonlyArray<SqlColumn>,
): Comparison => {
  const { owner, columns: specs } = contract.spec;
  const byName = new Map(columns.map((column) => [column.name, column]));
  const extra = columns.filter(({ name }) => !Object.hasOwn(specs, name));
  const missing = Object.entries(specs).filter(([name]) => !byName.has(name));
  const renamed = guessRenames(missing, extra);
  const problems = Object.entries(specs).flatMap(([column, spec]): ReadonlyArray<SchemaProblem> => {
    const expected = wordsFor(spec.type);
    const found = byName.get(column);
    if (found === undefined) {
      const now = renamed.get(column);
      return now === undefined
        ? [
            {
              kind: "missing",
              column,
              expected,
              found: "no such column",
              next: `Ask ${owner} to deliver it again.`,
            },
          ]
        : [
            {
              kind: "renamed",
              column,
              expected,
              found: `no such column, but "${now.name}" (${now.type})`,
              next: `Was "${column}" renamed to "${now.name}"? Then rename it back, or change the contract together with ${owner}.`,
            },
          ];
    }
    return accepts(spec.type, found.type)
      ? []
      : [
          {
            kind: "type",
            column,
            expected,
            found: found.type,
            next: `Ask ${owner} to deliver it as ${canonicalType(spec.type)}, or convert it before ingest.`,
          },
        ];
  });
  return { problems, extra };
};

const wordsFor = (type: Column.ColumnType): string =>
  type === "timestamp" ? "timestamp (TIMESTAMP or DATE)" : `${type} (${canonicalType(type)})`;

type Missing = readonly [name: string, spec: Column.ColumnSpec];

/** A likely new name for each missing column: a similar one, or the only one of its type. */
const guessRenames = (
  missing: ReadonlyArray<Missing>,
  extra: ReadonlyArray<SqlColumn>,
): ReadonlyMap<string, SqlColumn> => {
  const guesses = new Map<string, SqlColumn>();
  const taken = new Set<string>();
  const take = (column: string, now: SqlColumn) => {
    guesses.set(column, now);
    taken.add(now.name);
  };
  const similar = missing
    .flatMap(([column]) =>
      extra.map((now) => ({ column, now, similarity: Similarity.ofNames(column, now.name) })),
    )
    .filter(({ similarity }) => similarity >= 0.6)
    .toSorted((a, b) => b.similarity - a.similarity);
  for (const { column, now } of similar) {
    if (!guesses.has(column) && !taken.has(now.name)) take(column, now);
  }
  for (const [column, spec] of missing) {
    if (guesses.has(column)) continue;
    const rivals = missing.filter(([name, { type }]) => !guesses.has(name) && type === spec.type);
    const candidates = extra.filter(
      ({ name, type }) => !taken.has(name) && accepts(spec.type, type),
    );
    const [only] = candidates;
    if (only !== undefined && candidates.length === 1 && rivals.length === 1) take(column, only);
  }
  return guesses;
};

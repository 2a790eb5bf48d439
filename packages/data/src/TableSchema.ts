/**
 * The physical columns of a table held against a contract: which column types are accepted, what is
 * missing, and what was probably renamed.
 */
import { Column, type Contract, Similarity } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Duckdb, type DuckdbError, identifier, literal } from "./Duckdb.ts";

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

const canonical: { readonly [type in Column.ScalarType]: string } = {
  boolean: "BOOLEAN",
  int: "BIGINT",
  float: "DOUBLE",
  string: "VARCHAR",
  timestamp: "TIMESTAMP",
};

/** What of a column decides about its type in a table. */
export type Typed = Pick<Column.ColumnSpec, "type" | "items" | "fields">;

/** The DuckDB type in which tables under a contract store a column. */
export const canonicalType = ({ type, items, fields = {} }: Typed): string => {
  if (Column.isScalar(type)) return canonical[type];
  const names = Object.entries(fields).map(
    ([name, field]) => `${identifier(name)} ${canonicalType(field)}`,
  );
  return type === "struct"
    ? `STRUCT(${names.join(", ")})`
    : `${items === undefined ? canonical.float : canonicalType(items)}[]`;
};

const signed = ["TINYINT", "SMALLINT", "INTEGER", "BIGINT"];
const integers = [...signed, ...signed.map((type) => `U${type}`)];

const accepted: { readonly [type in Column.ScalarType]: ReadonlySet<string> } = {
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
 * Whether a column of a DuckDB type can be taken as a contract's column without loss. Instants keep
 * their milliseconds. A 64-bit integer is accepted although it may hold values beyond ±(2^53 − 1):
 * validation finds those. A struct may have more fields than the contract.
 *
 * @example
 * ```ts
 * import { TableSchema } from "@ml-pipe/data";
 *
 * const widened: boolean = TableSchema.accepts({ type: "float" }, "INTEGER"); // true
 * const parsed: boolean = TableSchema.accepts({ type: "int" }, "VARCHAR"); // false
 * ```
 */
export const accepts = ({ type, items, fields = {} }: Typed, sqlType: string): boolean => {
  if (Column.isScalar(type)) return accepted[type].has(sqlType);
  if (type === "struct") {
    const found = fieldsOf(sqlType);
    return Object.entries(fields).every(([name, field]) => accepts(field, found.get(name) ?? ""));
  }
  const [, inside] = /^(.*)\[\d*\]$/.exec(sqlType) ?? [];
  return inside !== undefined && accepts(items ?? { type: "float" }, inside);
};

/** The fields of a type such as `STRUCT(a INTEGER, "b c" VARCHAR[])`; none for any other type. */
export const fieldsOf = (sqlType: string): ReadonlyMap<string, string> => {
  const [, inside] = /^STRUCT\((.*)\)$/.exec(sqlType) ?? [];
  const fields = new Map<string, string>();
  if (inside === undefined) return fields;
  let [depth, quoted, start] = [0, false, 0];
  for (let at = 0; at <= inside.length; at++) {
    const char = inside[at];
    if (char === '"') quoted = !quoted;
    if (quoted && char !== undefined) continue;
    if (char === "(") depth++;
    if (char === ")") depth--;
    if (char !== undefined && (char !== "," || depth > 0)) continue;
    const [, name = "", type = ""] =
      /^\s*("(?:[^"]|"")*"|\S+)\s+(.*)$/.exec(inside.slice(start, at)) ?? [];
    fields.set(name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name, type);
    start = at + 1;
  }
  return fields;
};

/** SQL of a column that is accepted, in the type in which tables store it. */
export const canonicalSql = (column: string, sqlType: string, spec: Typed): string => {
  const type = canonicalType(spec);
  if (sqlType === type) return column;
  if (spec.type !== "struct") return `TRY_CAST(${column} AS ${type})`;
  const fields = Object.entries(spec.fields ?? {}).map(([name, field]) => {
    const value = `struct_extract(${column}, ${literal(name)})`;
    return `${identifier(name)} := TRY_CAST(${value} AS ${canonicalType(field)})`;
  });
  return `(CASE WHEN ${column} IS NOT NULL THEN struct_pack(${fields.join(", ")}) END)`;
};

/**
 * SQL over a column in the type in which tables store it: true where a part of its value is none that
 * the contract allows. `undefined` for a column of one value, which has no parts.
 */
export const partsUnfit = (column: string, spec: Column.ColumnSpec): string | undefined => {
  switch (spec.type) {
    case "list": {
      const { items } = spec;
      if (items === undefined) return undefined;
      return `(len(list_filter(${column}, lambda "~x": ${partUnfit('"~x"', items)})) > 0)`;
    }
    case "embedding":
      return `(len(${column}) <> ${spec.size ?? 0} OR len(list_filter(${column}, lambda "~x": ${partUnfit('"~x"', { type: "float", nullable: false })})) > 0)`;
    case "struct": {
      const fields = Object.entries(spec.fields ?? {}).map(([name, field]) =>
        partUnfit(`struct_extract(${column}, ${literal(name)})`, field),
      );
      return `(${column} IS NOT NULL AND (${fields.join(" OR ")}))`;
    }
    default:
      return undefined;
  }
};

const partUnfit = (
  value: string,
  {
    type,
    nullable,
    min,
    max,
    values,
    pattern,
  }: Pick<Column.PartSpec, "type" | "nullable" | "min" | "max" | "values" | "pattern">,
): string => {
  const number = (limit: number) => `CAST('${limit}' AS DOUBLE)`;
  const unfit = [
    ...(type === "float" || type === "timestamp" ? [`NOT isfinite(${value})`] : []),
    ...(type === "int" ? [`abs(CAST(${value} AS DOUBLE)) > ${Number.MAX_SAFE_INTEGER}`] : []),
    ...(min === undefined ? [] : [`${value} < ${number(min)}`]),
    ...(max === undefined ? [] : [`${value} > ${number(max)}`]),
    ...(values === undefined ? [] : [`${value} NOT IN (${values.map(literal).join(", ")})`]),
    ...(pattern === undefined ? [] : [`NOT regexp_full_match(${value}, ${literal(pattern)})`]),
  ];
  const wrong = unfit.length === 0 ? "false" : `coalesce(${unfit.join(" OR ")}, false)`;
  return nullable ? wrong : `(${value} IS NULL OR ${wrong})`;
};

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
    const expected = wordsFor(spec);
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
    return accepts(spec, found.type)
      ? []
      : [
          {
            kind: "type",
            column,
            expected,
            found: found.type,
            next: `Ask ${owner} to deliver it as ${canonicalType(spec)}, or convert it before ingest.`,
          },
        ];
  });
  return { problems, extra };
};

const wordsFor = (spec: Typed): string =>
  spec.type === "timestamp"
    ? "timestamp (TIMESTAMP or DATE)"
    : `${spec.type} (${canonicalType(spec)})`;

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
    const candidates = extra.filter(({ name, type }) => !taken.has(name) && accepts(spec, type));
    const [only] = candidates;
    if (only !== undefined && candidates.length === 1 && rivals.length === 1) take(column, only);
  }
  return guesses;
};

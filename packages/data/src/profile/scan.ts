/** A profile in SQL: one row of aggregates, then counts by value and by bucket. */
import type { Column } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { Duckdb, type DuckdbError, type Row } from "../Duckdb.ts";
import { canonicalType } from "../TableSchema.ts";
import {
  cellsOf,
  finestPerOctave,
  type Magnitudes,
  millisPerDay,
  settle,
  settleDays,
} from "./Buckets.ts";
import {
  byValue,
  type ColumnProfile,
  longestValue,
  mostValues,
  type NumberProfile,
  type Values,
} from "./ColumnProfile.ts";
import { type Distinct, estimate, ofMinima, rankBits, registerBits } from "./Distinct.ts";
import { finiteOrNull, mergeMoments, type Moments, none } from "./Moments.ts";

/** A column to profile: what it is called, its type, and its value in SQL. */
export interface ProfiledColumn {
  readonly name: string;
  readonly type: Column.ScalarType;
  /** SQL expression over the relation. */
  readonly sql: string;
}

/** Gives the value of an aggregate that was asked for. */
export type ValueOf = (ask: string) => unknown;

/** The column's value in the type in which tables store it, so that equal values have one hash. */
const valueOf = ({ type, sql }: ProfiledColumn): string =>
  `CAST(${sql} AS ${canonicalType({ type })})`;

/** SQL: there is a value, and it is one that has a place on the axis. */
const usable = (column: ProfiledColumn): string =>
  column.type === "float" || column.type === "timestamp"
    ? `isfinite(${valueOf(column)})`
    : `${valueOf(column)} IS NOT NULL`;

/** SQL aggregates of the first pass, by what they are for. */
const aggregates = (column: ProfiledColumn) => {
  const value = valueOf(column);
  const present = `count(${column.sql})`;
  switch (column.type) {
    case "boolean":
      return { present, trues: `count_if(${value})` };
    case "int":
      return { present, min: `min(${column.sql})`, max: `max(${column.sql})` };
    case "float":
      return {
        present,
        nan: `count_if(isnan(${value}))`,
        plusInfinity: `count_if(${value} = 'inf'::DOUBLE)`,
        minusInfinity: `count_if(${value} = '-inf'::DOUBLE)`,
        min: `min(${value}) FILTER (WHERE ${usable(column)})`,
        max: `max(${value}) FILTER (WHERE ${usable(column)})`,
      };
    case "string":
      return {
        present,
        empty: `count_if(${value} = '')`,
        shortest: `min(length(${value}))`,
        longest: `max(length(${value}))`,
        characters: `sum(length(${value}))`,
      };
    case "timestamp":
      return {
        present,
        infinite: `count_if(isinf(${value}))`,
        min: `CAST(epoch_ms(min(${value}) FILTER (WHERE ${usable(column)})) AS DOUBLE)`,
        max: `CAST(epoch_ms(max(${value}) FILTER (WHERE ${usable(column)})) AS DOUBLE)`,
      };
  }
};

/** The aggregates that the first pass must compute; equal ones of other checks can be shared. */
export const asks = (columns: ReadonlyArray<ProfiledColumn>): ReadonlyArray<string> => [
  "count(*)",
  ...columns.flatMap((column) => Object.values(aggregates(column))),
];

const count = (value: unknown): number => Number(value ?? 0);
const orNull = (value: unknown): number | null =>
  // Adding 0 makes -0 the 0 that it is in JSON.
  value === null || value === undefined ? null : Number(value) + 0;

/** Columns of one query: enough to share its start, few enough to bound what it gives. */
const together = 16;

const inChunks = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(items.length / together) }, (_, chunk) =>
    items.slice(chunk * together, (chunk + 1) * together),
  );

/** Runs one query for all of `parts`, each with the number of its column; gives the rows by column. */
const byColumn = Effect.fnUntraced(function* (
  operation: string,
  parts: ReadonlyArray<readonly [column: string, select: (number: number) => string]>,
): Effect.fn.Return<ReadonlyMap<string, ReadonlyArray<Row>>, DuckdbError, Duckdb> {
  const db = yield* Duckdb;
  const found = new Map<string, Array<Row>>(parts.map(([column]) => [column, []]));
  for (const chunk of inChunks(parts)) {
    const rows = yield* db.rows(
      operation,
      chunk.map(([, select], number) => select(number)).join("\nUNION ALL\n"),
    );
    for (const row of rows) {
      const [column] = chunk[Number(row["c"])] ?? [""];
      found.get(column)?.push(row);
    }
  }
  return found;
});

/**
 * The profiles of columns of `relation`, given the values of {@link asks} over the same rows. Reads
 * each column twice more: to hash its values, and to count them.
 */
export const complete = Effect.fnUntraced(function* (
  relation: string,
  columns: ReadonlyArray<ProfiledColumn>,
  valueOfAsk: ValueOf,
): Effect.fn.Return<Record<string, ColumnProfile>, DuckdbError, Duckdb> {
  const db = yield* Duckdb;
  const [version] = yield* db.rows("ask for the version of DuckDB", "SELECT version() AS v");
  const hash = `duckdb ${String(version?.["v"])}`;
  const rows = count(valueOfAsk("count(*)"));
  const firsts = columns.map((column) => {
    const found = new Map(
      Object.entries(aggregates(column)).map(([name, ask]) => [name, valueOfAsk(ask)]),
    );
    return { column, found };
  });
  const distincts = new Map<string, Distinct>();
  const hashed = yield* byColumn(
    "hash the values of each column",
    columns
      .filter(({ type }) => type !== "boolean")
      .map((column) => [column.name, hashSql(relation, column)]),
  );
  for (const [name, minima] of hashed) {
    distincts.set(
      name,
      ofMinima(
        hash,
        minima.map((row) => [Number(row["i"]), Number(row["m"])] as const),
      ),
    );
  }

  const few = new Set(
    firsts
      .filter(({ column, found }) => mayBeListed(column, found, distincts.get(column.name)))
      .map(({ column }) => column.name),
  );
  const listed = yield* byColumn(
    "count the values of each column",
    columns
      .filter(({ name }) => few.has(name))
      .map((column) => [column.name, valuesSql(relation, column)]),
  );
  const exact = new Map([...listed].filter(([, values]) => values.length <= mostValues));
  const spread = yield* byColumn(
    "count the values of each column by bucket",
    firsts
      .filter(({ column }) => hasBuckets(column) && !exact.has(column.name))
      .map(({ column, found }) => [column.name, bucketsSql(relation, column, largest(found))]),
  );

  const profiles = firsts.map(({ column, found }) => {
    const { name } = column;
    const values = exact.get(name);
    const distinct = distincts.get(name) ?? null;
    const cells = values ?? spread.get(name) ?? [];
    return [name, profileOf(column, { rows, found, distinct, values, cells })] as const;
  });
  return Object.fromEntries(profiles);
});

/** What the passes found of one column. */
interface Scanned {
  readonly rows: number;
  /** The aggregates of the first pass, by what they are for. */
  readonly found: ReadonlyMap<string, unknown>;
  readonly distinct: Distinct | null;
  /** Its values with their rows, if they are few. */
  readonly values: ReadonlyArray<Row> | undefined;
  /** Rows by value or by bucket. */
  readonly cells: ReadonlyArray<Row>;
}

const profileOf = (
  { type }: ProfiledColumn,
  { rows, found, distinct, values: listed, cells }: Scanned,
): ColumnProfile => {
  const countOf = (name: string): number => count(found.get(name));
  const limitOf = (name: string): number | null => orNull(found.get(name));
  const present = countOf("present");
  const base = { type, nulls: rows - present, present };
  const values = listed === undefined ? null : valuesOf(type, listed);
  switch (type) {
    case "boolean":
      return { ...base, trues: countOf("trues") };
    case "string": {
      const text = {
        empty: countOf("empty"),
        shortest: limitOf("shortest"),
        longest: limitOf("longest"),
        characters: countOf("characters"),
      };
      return { ...base, distinct, values, text };
    }
    case "timestamp": {
      const instant = {
        infinite: countOf("infinite"),
        min: limitOf("min"),
        max: limitOf("max"),
        days: settleDays({ level: 0, cells: cellsOf(countsBy(cells)) }),
      };
      return { ...base, distinct, instant };
    }
    case "int":
    case "float": {
      const number: NumberProfile = {
        nan: countOf("nan"),
        plusInfinity: countOf("plusInfinity"),
        minusInfinity: countOf("minusInfinity"),
        min: limitOf("min"),
        max: limitOf("max"),
        moments: finiteOrNull(momentsOf(cells, largest(found))),
        magnitudes: magnitudesOf(cells),
      };
      return { ...base, distinct, values, number };
    }
  }
};

const hasBuckets = ({ type }: ProfiledColumn): boolean =>
  type === "int" || type === "float" || type === "timestamp";

/** The largest magnitude of a numeric column. */
const largest = (found: ReadonlyMap<string, unknown>): number =>
  Math.max(Math.abs(count(found.get("min"))), Math.abs(count(found.get("max"))));

/**
 * Whether the values may be few enough to be listed: the estimate is off by 2.3 %, so a quarter more is
 * surely too many. The count then decides.
 */
const mayBeListed = (
  { type }: ProfiledColumn,
  found: ReadonlyMap<string, unknown>,
  distinct: Distinct | undefined,
): boolean => {
  if (distinct === undefined || estimate(distinct) > mostValues * 1.25) return false;
  switch (type) {
    case "string":
      return count(found.get("longest")) <= longestValue;
    case "int":
      return largest(found) <= Number.MAX_SAFE_INTEGER;
    default:
      return type === "float";
  }
};

const hashSql = (relation: string, column: ProfiledColumn) => (number: number) =>
  `SELECT ${number} AS c, i, min(m) AS m FROM (
    SELECT CAST(h & ${2 ** registerBits - 1} AS SMALLINT) AS i, h >> ${64 - rankBits} AS m FROM (
      SELECT hash(${valueOf(column)}) AS h FROM ${relation} WHERE ${usable(column)}))
  GROUP BY i`;

/** SQL: the number of a value's bucket, doubled, odd for negative values; null for zero. */
const bucketSql = (value: string): string =>
  `CAST(floor(log2(nullif(abs(${value}), 0)) * ${finestPerOctave}) AS INTEGER) * 2 + CAST(${value} < 0 AS INTEGER)`;

const valuesSql = (relation: string, column: ProfiledColumn) => (number: number) => {
  const double = "CAST(v AS DOUBLE)";
  const [bucket, text] =
    column.type === "string" ? ["NULL::INTEGER", "v"] : [bucketSql(double), "CAST(v AS VARCHAR)"];
  return `SELECT ${number} AS c, ${text} AS v, ${bucket} AS b, n FROM (
    SELECT v, count(*) AS n FROM (
      SELECT ${valueOf(column)} AS v FROM ${relation} WHERE ${usable(column)})
    GROUP BY v LIMIT ${mostValues + 1})`;
};

/** Bits of a value, of the largest, in its sums, and in its sums of squares. */
const sumBits = 52;
const squareBits = 30;

/** The power of two, within a double, that scales the largest magnitude to a whole number of `bits`. */
const scaleOf = (magnitude: number, bits: number): number =>
  magnitude === 0 ? 0 : Math.min(1023, bits - 1 - Math.floor(Math.log2(magnitude)));

/**
 * Counts by bucket, with sums of the values and of their squares as whole numbers: sums of doubles
 * would depend on the order in which threads add them.
 */
const bucketsSql =
  (relation: string, column: ProfiledColumn, magnitude: number) => (number: number) => {
    if (column.type === "timestamp") {
      return `SELECT ${number} AS c, b, count(*) AS n,
        NULL::VARCHAR AS s, NULL::VARCHAR AS r, NULL::VARCHAR AS r2
      FROM (SELECT CAST(floor(epoch_ms(${valueOf(column)}) / ${millisPerDay}.0) AS INTEGER) AS b
        FROM ${relation} WHERE ${usable(column)})
      GROUP BY b`;
    }
    const scaled = (bits: number) =>
      `CAST(v * CAST('${2 ** scaleOf(magnitude, bits)}' AS DOUBLE) AS BIGINT)`;
    return `SELECT ${number} AS c, b, count(*) AS n,
    CAST(sum(q) AS VARCHAR) AS s, CAST(sum(r) AS VARCHAR) AS r, CAST(sum(r * r) AS VARCHAR) AS r2
  FROM (SELECT ${bucketSql("v")} AS b, ${scaled(sumBits)} AS q, ${scaled(squareBits)} AS r FROM (
    SELECT CAST(${column.sql} AS DOUBLE) AS v FROM ${relation} WHERE ${usable(column)}))
  GROUP BY b`;
  };

const countsBy = (rows: ReadonlyArray<Row>): ReadonlyMap<number, number> =>
  new Map(rows.map((row) => [Number(row["b"]), count(row["n"])]));

const valuesOf = (type: Column.ColumnType, rows: ReadonlyArray<Row>): Values =>
  rows
    .map((row) => ({
      value: type === "string" ? String(row["v"]) : Number(row["v"]) + 0,
      rows: count(row["n"]),
    }))
    .toSorted(byValue);

const magnitudesOf = (rows: ReadonlyArray<Row>): Magnitudes => {
  let zeros = 0;
  const sides = [new Map<number, number>(), new Map<number, number>()] as const;
  for (const row of rows) {
    if (row["b"] === null) {
      zeros += count(row["n"]);
      continue;
    }
    const bucket = Number(row["b"]);
    const negative = Math.abs(bucket % 2);
    const side = sides[negative === 1 ? 1 : 0];
    const index = (bucket - negative) / 2;
    side.set(index, (side.get(index) ?? 0) + count(row["n"]));
  }
  return settle({ level: 0, zeros, positive: cellsOf(sides[0]), negative: cellsOf(sides[1]) });
};

/** Moments of listed values, or of buckets with their sums, in an order of their own. */
const momentsOf = (rows: ReadonlyArray<Row>, magnitude: number): Moments =>
  rows
    .map((row) => (row["s"] === undefined ? pointMoments(row) : bucketMoments(row, magnitude)))
    .toSorted((a, b) => a.mean - b.mean || a.count - b.count)
    .reduce(mergeMoments, none);

const pointMoments = (row: Row): Moments => ({
  ...none,
  count: count(row["n"]),
  mean: Number(row["v"]),
});

/** Within a bucket, which is narrow, the third and fourth moments are taken as zero. */
const bucketMoments = (row: Row, magnitude: number): Moments => {
  const n = count(row["n"]);
  const [sum, square] = [scaleOf(magnitude, sumBits), scaleOf(magnitude, squareBits)];
  const [r, r2] = [BigInt(String(row["r"])), BigInt(String(row["r2"]))];
  return {
    ...none,
    count: n,
    mean: (Number(BigInt(String(row["s"]))) / n) * 2 ** -sum,
    m2: (Number(BigInt(n) * r2 - r * r) / n) * 2 ** -square * 2 ** -square,
  };
};

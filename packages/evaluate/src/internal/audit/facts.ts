/**
 * What the audit must know of a table. Most of it is known from a sample that is the same every time;
 * what only all rows say is asked of the few features that it concerns.
 */
import { Duckdb, Table, type TestRows } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { Outcome } from "./outcome.ts";

const { identifier } = Duckdb;

/** Rows from which a ROC AUC is known to within 0.01: a leak is further from honest than that. */
const sampleRows = 20_000;

/** A feature in a table. Missing, NaN and infinite values are left out. */
export interface FeatureFacts {
  /** On the sampled rows with an outcome, in their order; NaN is missing. */
  readonly sample: Float64Array;
  readonly sd: number;
  /** Whether all sampled values are whole numbers. */
  readonly whole: boolean;
  /** Pearson's correlation of the sampled values with the order of rows. */
  readonly withOrder: number;
  /** Values in the whole table and about how many differ, where it matters. */
  readonly all?: {
    readonly values: number;
    readonly distinct: number;
    readonly least: number;
    readonly most: number;
  };
}

/** A table, and its features by name. */
export interface Facts {
  readonly relation: string;
  readonly rows: number;
  readonly labelled: number;
  readonly outcome: Outcome;
  /** Rows with the first view of the outcome. */
  readonly positives: number;
  /** Epoch milliseconds of the first and last decision; null where there is no moment of the decision. */
  readonly from: number | null;
  readonly to: number | null;
  /** Outcomes of the sampled rows, 1 or 0, in each view. */
  readonly outcomes: ReadonlyArray<Float64Array>;
  readonly features: ReadonlyMap<string, FeatureFacts>;
}

/** A feature's value in SQL; what is infinite is missing. */
const finite = (feature: string): string => finiteOf(`CAST(${identifier(feature)} AS DOUBLE)`);

const finiteOf = (value: string): string => `CASE WHEN isfinite(${value}) THEN ${value} END`;

/** Which rows are in a sample of that share: spread by a multiplicative hash of their number. */
export const rowsIn = (share: number): string =>
  `(file_row_number * 2654435761) % 4294967296 < ${Math.ceil(share * 2 ** 32)}`;

/** Examines a feature table. */
export const factsOf = Effect.fnUntraced(function* (
  set: TestRows.Rows,
  table: Table.AnyTable,
  outcome: Outcome,
) {
  const db = yield* Duckdb.Duckdb;
  const relation = yield* Table.relation(table, { rowNumbers: true });
  const operation = `examine the ${table.role} table for leakage`;
  const { decidedAt, features } = set.spec;
  const time =
    decidedAt === undefined
      ? "NULL::DOUBLE"
      : `epoch_ms(CAST(${identifier(decidedAt)} AS TIMESTAMP))::DOUBLE`;
  const [row] = yield* db.rows(
    operation,
    `SELECT count(*)::DOUBLE AS rows, count(label)::DOUBLE AS labelled, count_if(${outcome.views[0]})::DOUBLE AS positives,
       min(${time}) AS "from", max(${time}) AS "to" FROM ${relation}`,
  );
  const numberOf = (key: string): number | null => {
    const value = row?.[key];
    return value === null || value === undefined ? null : Number(value);
  };
  const labelled = numberOf("labelled") ?? 0;
  const share = Math.min(1, sampleRows / Math.max(1, labelled));
  const from = `(FROM ${relation} WHERE label IS NOT NULL AND ${rowsIn(share)})`;
  const [count] = yield* db.rows(operation, `SELECT count(*)::DOUBLE AS n FROM ${from}`);
  const names = features.map(({ name }) => name);
  const { columns } = yield* db.numericColumns(operation, {
    from,
    select: [...outcome.views.map((view) => `(${view})`), ...names.map(finite)],
    rows: Number(count?.["n"] ?? 0),
  });
  const samples = columns.slice(outcome.views.length);
  const sampled = names.map((name, index) => {
    const sample = samples[index] ?? new Float64Array();
    return { name, sample, ...describe(sample) };
  });
  const coded = sampled.filter(({ whole, distinct, withOrder }) =>
    whole ? distinct >= 50 : Math.abs(withOrder) > 0.999,
  );
  const exact = yield* allValues(
    relation,
    coded.map(({ name }) => name),
    labelled,
  );
  return {
    relation,
    rows: numberOf("rows") ?? 0,
    labelled,
    positives: numberOf("positives") ?? 0,
    from: numberOf("from"),
    to: numberOf("to"),
    outcome,
    outcomes: columns.slice(0, outcome.views.length),
    features: new Map(
      sampled.map(({ name, sample, sd, whole, withOrder }) => {
        const all = exact.get(name);
        const found = { sample, sd, whole, withOrder, ...(all === undefined ? {} : { all }) };
        return [name, found] as const;
      }),
    ),
  } satisfies Facts;
});

/** Moments of a sample, in two passes. */
const describe = (sample: Float64Array) => {
  const present = sample.filter((value) => !Number.isNaN(value));
  const mean = present.reduce((sum, value) => sum + value, 0) / present.length;
  const middle = (sample.length - 1) / 2;
  let [squares, products, orders] = [0, 0, 0];
  for (const [row, value] of sample.entries()) {
    if (Number.isNaN(value)) continue;
    squares += (value - mean) ** 2;
    products += (value - mean) * (row - middle);
    orders += (row - middle) ** 2;
  }
  return {
    sd: Math.sqrt(squares / present.length),
    whole: present.length > 0 && present.every(Number.isInteger),
    distinct: new Set(present).size,
    withOrder: products / Math.sqrt(squares * orders),
  };
};

/** Rows in which different values are counted one by one. */
const countedRows = 500_000;

/**
 * Values, and how many differ: counted in all rows, or in those of every k-th value, so that a column that
 * names each row has exactly as many as rows. DuckDB's sketch is too coarse for that: it errs by an eighth.
 */
const allValues = Effect.fnUntraced(function* (
  relation: string,
  names: ReadonlyArray<string>,
  rows: number,
) {
  const found = new Map<string, NonNullable<FeatureFacts["all"]>>();
  if (names.length === 0) return found;
  const db = yield* Duckdb.Duckdb;
  const values = names.map((name, index) => {
    const value = finite(name);
    const every = `FILTER (WHERE hash(${value}) % ${Math.ceil(Math.max(1, rows) / countedRows)} = 0)`;
    return `[count(${value}), count(DISTINCT ${value}) ${every}, count(${value}) ${every}, min(${value}), max(${value})]::DOUBLE[] AS "v${index}"`;
  });
  const [row] = yield* db.rows("count values", `SELECT ${values.join(", ")} FROM ${relation}`);
  for (const [index, name] of names.entries()) {
    const facts = row?.[`v${index}`];
    const [values = 0, distinct = 0, among = 0, least = Number.NaN, most = Number.NaN] =
      Array.isArray(facts) ? facts.map(Number) : [];
    found.set(name, { values, distinct: (values * distinct) / Math.max(1, among), least, most });
  }
  return found;
});

/** The mean of each number, given in SQL, over all rows, and how many rows have it. */
export const meansOf = Effect.fnUntraced(function* (
  { relation }: Facts,
  columns: ReadonlyArray<string>,
) {
  const db = yield* Duckdb.Duckdb;
  const values = columns.map((column) => `coalesce(avg(${finiteOf(column)}), 0)`);
  const counts = columns.map((column) => `count(${finiteOf(column)})`);
  const [row] = yield* db.rows(
    "average features",
    `SELECT [${values.join(", ")}]::DOUBLE[] AS means, [${counts.join(", ")}]::DOUBLE[] AS counts FROM ${relation}`,
  );
  const numbers = (key: string) => {
    const found = row?.[key];
    return Array.isArray(found) ? found.map(Number) : [];
  };
  const [means, rows] = [numbers("means"), numbers("counts")];
  return columns.map((_, index) => ({ mean: means[index] ?? 0, values: rows[index] ?? 0 }));
});

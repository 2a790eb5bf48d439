/** How labels are distributed: over classes, and over time. */
import { Drift, Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";

/** A table's labels. */
export interface LabelRows {
  /** In SQL. */
  readonly relation: string;
  readonly label: string;
}

/** Rows of one class. */
export interface ClassCount {
  readonly label: string;
  readonly rows: number;
}

/** The classes by number of rows, and the rows without a label. */
export const classCounts = Effect.fnUntraced(function* ({ relation, label }: LabelRows) {
  const db = yield* Duckdb.Duckdb;
  const name = Duckdb.identifier(label);
  const found = yield* db.rows(
    "count the labels",
    `FROM (SELECT CAST(${name} AS VARCHAR) AS label, count(*)::DOUBLE AS rows FROM ${relation} GROUP BY ALL)
     ORDER BY (label IS NULL) DESC, rows DESC, label LIMIT ${mostClasses + 2}`,
  );
  const missing = found.find((row) => row["label"] === null);
  return {
    missing: Number(missing?.["rows"] ?? 0),
    classes: found.flatMap((row): ReadonlyArray<ClassCount> =>
      row["label"] === null ? [] : [{ label: String(row["label"]), rows: Number(row["rows"]) }],
    ),
  };
});

/** A label with more values than this is a number, not a class. */
export const mostClasses = 1000;

/**
 * The effective number of classes: the exponential of the entropy of their shares (Hill, Ecology 54(2),
 * 1973, of order 1). As many as there are if they are equally frequent, near 1 if one is nearly all.
 */
export const effectiveClasses = (classes: ReadonlyArray<ClassCount>): number => {
  const total = classes.reduce((sum, { rows }) => sum + rows, 0);
  const entropy = classes.reduce((sum, { rows }) => {
    const share = rows / total;
    return share === 0 ? sum : sum - share * Math.log(share);
  }, 0);
  return Math.exp(entropy);
};

/** How labels are cut into periods. */
export interface Periods {
  /** The column of the event time. */
  readonly time: string;
  readonly period: "day" | "week" | "month";
}

/** How the labels of one period differ from those before it. */
export interface PeriodDrift {
  /** When the period begins, in epoch milliseconds. */
  readonly from: number;
  readonly rows: number;
  /** Bias-corrected Cramér's V of classes, the Kolmogorov-Smirnov statistic of numbers; null where unknown. */
  readonly drift: number | null;
}

/** Rows that a period, and all before it, must have for their classes to be compared. */
const fewestRows = 30;

/** Compares the classes of each period with those of all periods before it. One GROUP BY. */
export const classDrift = Effect.fnUntraced(function* (
  { relation, label }: LabelRows,
  { time, period }: Periods,
): Effect.fn.Return<ReadonlyArray<PeriodDrift>, Duckdb.DuckdbError, Duckdb.Duckdb> {
  const db = yield* Duckdb.Duckdb;
  const name = Duckdb.identifier(label);
  const found = yield* db.rows(
    "count the labels by period",
    `SELECT ${periodSql(time, period)} AS "from", CAST(${name} AS VARCHAR) AS label, count(*)::DOUBLE AS rows
     FROM ${relation} WHERE ${name} IS NOT NULL AND ${Duckdb.identifier(time)} IS NOT NULL GROUP BY ALL ORDER BY "from", label`,
  );
  return eachAgainstBefore(found, (before, now) =>
    Math.min(total(before), total(now)) < fewestRows
      ? null
      : Result.match(Drift.chiSquare({ counts: before }, { counts: now }), {
          onSuccess: ({ cramersVCorrected }) => cramersVCorrected,
          onFailure: () => null,
        }),
  );
});

/** Bins of numbers, of about as many rows each: the statistic is short by what one of them holds at most. */
const numberBins = 200;

/** Numbers that the bins are cut by, at most: the memory they take does not grow with the rows. */
const mostCut = 100_000;

/**
 * Compares the numbers of each period with those of all periods before it by the Kolmogorov-Smirnov
 * statistic. Null where chance alone reaches `limit` with so few rows. `relation` has `file_row_number`.
 */
export const numberDrift = Effect.fnUntraced(function* (
  { relation, label }: LabelRows,
  { time, period }: Periods,
  limit: number,
): Effect.fn.Return<ReadonlyArray<PeriodDrift>, Duckdb.DuckdbError, Duckdb.Duckdb> {
  const db = yield* Duckdb.Duckdb;
  const value = `CAST(${Duckdb.identifier(label)} AS DOUBLE)`;
  const rows = `(SELECT file_row_number AS n, ${value} AS v, ${periodSql(time, period)} AS "from"
    FROM ${relation} WHERE isfinite(${value}) AND ${Duckdb.identifier(time)} IS NOT NULL)`;
  const shares = Array.from({ length: numberBins - 1 }, (_, at) => (at + 1) / numberBins);
  const found = yield* db.rows(
    "count the labels by period",
    `WITH rows AS MATERIALIZED ${rows}, cut AS (
       SELECT quantile_disc(v, [${shares.join(", ")}]) AS edges FROM rows
       WHERE n % (SELECT greatest(1, count(*) // ${mostCut}) FROM rows) = 0
     ), edges AS (SELECT DISTINCT unnest(edges) AS edge FROM cut UNION ALL SELECT '-inf'::DOUBLE)
     SELECT "from", edge AS label, count(*)::DOUBLE AS rows
     FROM rows ASOF JOIN edges ON v >= edge GROUP BY ALL ORDER BY label, "from"`,
  );
  return eachAgainstBefore(found, (before, now) =>
    1.36 * Math.sqrt(1 / total(before) + 1 / total(now)) >= limit
      ? null
      : Result.match(Drift.ksBinned({ counts: before }, { counts: now }), {
          onSuccess: ({ lower }) => lower,
          onFailure: () => null,
        }),
  );
});

const periodSql = (time: string, period: Periods["period"]): string =>
  `epoch_ms(date_trunc('${period}', CAST(${Duckdb.identifier(time)} AS TIMESTAMP)))::DOUBLE`;

/** Rows by period (`from`) and `label`, in the order of the labels; each period against all before it. */
const eachAgainstBefore = (
  found: ReadonlyArray<{ readonly [column: string]: unknown }>,
  drift: (before: Float64Array, now: Float64Array) => number | null,
): ReadonlyArray<PeriodDrift> => {
  const classes = [...new Set(found.map((row) => String(row["label"])))];
  const index = new Map(classes.map((one, k) => [one, k]));
  const before = new Float64Array(classes.length);
  const periods = Map.groupBy(found, (row) => Number(row["from"]));
  return [...periods]
    .toSorted(([a], [b]) => a - b)
    .map(([from, rows]) => {
      const counts = new Float64Array(classes.length);
      for (const row of rows) counts[index.get(String(row["label"])) ?? 0] = Number(row["rows"]);
      const found = total(before) === 0 ? null : drift(before, counts);
      for (const [k, count] of counts.entries()) before[k]! += count;
      return { from, rows: total(counts), drift: found };
    });
};

const total = (counts: Float64Array): number => counts.reduce((sum, one) => sum + one, 0);

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
    `SELECT CAST(${name} AS VARCHAR) AS label, count(*)::DOUBLE AS rows FROM ${relation} GROUP BY ALL ORDER BY rows DESC, label LIMIT ${mostClasses + 2}`,
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

/** How the labels of one period differ from those before it. */
export interface PeriodDrift {
  /** When the period begins, in epoch milliseconds. */
  readonly from: number;
  readonly rows: number;
  /** Bias-corrected Cramér's V of classes, the Kolmogorov-Smirnov statistic of numbers; null where unknown. */
  readonly drift: number | null;
}

/** Rows that a period, and all before it, must have to be compared. */
export const fewestRows = 30;

/** Compares the classes of each period with those of all periods before it. One GROUP BY. */
export const classDrift = Effect.fnUntraced(function* (
  { relation, label }: LabelRows,
  time: string,
  period: "day" | "week" | "month",
): Effect.fn.Return<ReadonlyArray<PeriodDrift>, Duckdb.DuckdbError, Duckdb.Duckdb> {
  const db = yield* Duckdb.Duckdb;
  const name = Duckdb.identifier(label);
  const found = yield* db.rows(
    "count the labels by period",
    `SELECT epoch_ms(date_trunc('${period}', CAST(${Duckdb.identifier(time)} AS TIMESTAMP)))::DOUBLE AS "from", CAST(${name} AS VARCHAR) AS label, count(*)::DOUBLE AS rows
     FROM ${relation} WHERE ${name} IS NOT NULL AND ${Duckdb.identifier(time)} IS NOT NULL GROUP BY ALL ORDER BY "from", label`,
  );
  const classes = [...new Set(found.map((row) => String(row["label"])))];
  const index = new Map(classes.map((one, k) => [one, k]));
  const before = new Float64Array(classes.length);
  const periods = Map.groupBy(found, (row) => Number(row["from"]));
  return [...periods].map(([from, rows]) => {
    const counts = new Float64Array(classes.length);
    for (const row of rows) counts[index.get(String(row["label"])) ?? 0] = Number(row["rows"]);
    const drift = comparable(before, counts)
      ? Drift.chiSquare({ counts: before }, { counts })
      : undefined;
    for (const [k, count] of counts.entries()) before[k]! += count;
    return {
      from,
      rows: total(counts),
      drift:
        drift !== undefined && Result.isSuccess(drift) ? drift.success.cramersVCorrected : null,
    };
  });
});

const total = (counts: Float64Array): number => counts.reduce((sum, one) => sum + one, 0);

const comparable = (before: Float64Array, now: Float64Array): boolean =>
  total(before) >= fewestRows && total(now) >= fewestRows;

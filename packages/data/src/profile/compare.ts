/** How far a column moved from a reference, from two profiles: no row is read again. */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as Association from "../statistics/Association.ts";
import * as Drift from "../statistics/Drift.ts";
import * as HypothesisTest from "../statistics/HypothesisTest.ts";
import { chiSquareTail } from "../statistics/internal/Tail.ts";
import { coarsen, type Span, spansOf } from "./Buckets.ts";
import type { ColumnProfile } from "./ColumnProfile.ts";
import { rowsOf, standardDeviation } from "./read.ts";

/**
 * How a column is held against a reference.
 *
 * - `jensen-shannon` (distance, base 2), `psi`, `kullback-leibler` (nats), `hellinger`, `total-variation`,
 *   `l-infinity` and `cramers-v` (bias-corrected) compare shares of bins, rows without a value being one.
 * - `ks` (statistic) and `wasserstein` (in standard deviations of the reference) compare numbers along
 *   their axis, rows without a value left out.
 */
export const Method = Schema.Literals([
  "jensen-shannon",
  "psi",
  "kullback-leibler",
  "hellinger",
  "total-variation",
  "l-infinity",
  "cramers-v",
  "ks",
  "wasserstein",
]);
/** See {@link Method}. */
export type Method = typeof Method.Type;

/** From which distance peers call it drift; see `Drift.defaultThresholds` for the sources. */
export const usualLimit: { readonly [method in Method]: number } = {
  "jensen-shannon": Drift.defaultThresholds.jensenShannon,
  psi: Drift.defaultThresholds.psi,
  "kullback-leibler": 0.1,
  hellinger: Drift.defaultThresholds.hellinger,
  "total-variation": 0.1,
  "l-infinity": 0.1,
  "cramers-v": Drift.defaultThresholds.cramersV,
  ks: Drift.defaultThresholds.ks,
  wasserstein: Drift.defaultThresholds.wasserstein,
};

/** A bin of a comparison: rows of both, and what the bin is, in words. */
export interface Bin {
  readonly label: string;
  readonly reference: number;
  readonly current: number;
}

/** Two profiles of one column, ready for any {@link Method}. */
export interface Comparison {
  /** `numbers` have an axis; `categories` are values without an order, booleans included. */
  readonly kind: "numbers" | "categories";
  readonly reference: ColumnProfile;
  readonly current: ColumnProfile;
  /** Bins cut on the reference; rows without a value (or NaN, infinity) are the last, if there are any. */
  readonly bins: ReadonlyArray<Bin>;
  /** Of numbers: the common buckets of both, ascending. */
  readonly axis: ReadonlyArray<Span & { readonly now: number }>;
}

/** Why two columns cannot be compared, in words. */
export type Incomparable = string;

/** More categories than this are compared one by one; the rest of them together. */
const mostCategories = 100;
/** Numbers with at most this many values in the reference are compared value by value. */
const mostNumbers = 20;

/**
 * Brings two profiles of a column onto common bins: for numbers between the deciles of the reference (or
 * its single values, if it has at most 20), for categories its 100 most frequent values and all others
 * together. Counts in them are exact. Fails, in words, for columns without a distribution: instants, and
 * texts with more than 1,000 values.
 */
export const compare = (
  reference: ColumnProfile,
  current: ColumnProfile,
): Result.Result<Comparison, Incomparable> => {
  if (reference.type !== current.type) {
    return Result.fail(`it was ${reference.type} and is ${current.type}`);
  }
  if (rowsOf(reference) === 0) return Result.fail("the reference has no rows");
  if (rowsOf(current) === 0) return Result.fail("there are no rows to compare");
  if (reference.type === "timestamp") return Result.fail("instants move on by themselves");
  const axis = axisOf(reference, current);
  const bins = axis === undefined ? categories(reference, current) : ranges(axis);
  if (bins === undefined)
    return Result.fail("it has more than 1,000 different values, or long ones");
  const [was, is] = [missing(reference, axis), missing(current, axis)];
  const gap = was + is > 0 ? [{ label: "no value", reference: was, current: is }] : [];
  if (bins.length === 0) return Result.fail("neither has a value");
  const kind = axis === undefined ? "categories" : "numbers";
  return Result.succeed({ kind, reference, current, bins: [...bins, ...gap], axis: axis ?? [] });
};

const missing = (column: ColumnProfile, axis: Comparison["axis"] | undefined): number =>
  axis === undefined || column.number === undefined
    ? column.nulls
    : column.nulls + column.number.nan + column.number.plusInfinity + column.number.minusInfinity;

/** The buckets of both on one axis: single values if both list them. */
const axisOf = (a: ColumnProfile, b: ColumnProfile): Comparison["axis"] | undefined => {
  if (a.number === undefined || b.number === undefined) return undefined;
  const listed = a.values != null && b.values != null;
  const level = Math.max(a.number.magnitudes.level, b.number.magnitudes.level);
  const of = ({ values, number }: ColumnProfile): ReadonlyArray<Span> =>
    listed
      ? (values ?? []).map(({ value, rows }) => ({
          lower: Number(value),
          upper: Number(value),
          rows,
        }))
      : number === undefined
        ? []
        : spansOf(coarsen(number.magnitudes, level));
  const spans = new Map(of(a).map((span) => [span.lower, { ...span, now: 0 }]));
  for (const { lower, upper, rows } of of(b)) {
    spans.set(lower, { lower, upper, rows: spans.get(lower)?.rows ?? 0, now: rows });
  }
  return [...spans.values()].toSorted((x, y) => x.lower - y.lower);
};

/** Bins of about a tenth of the reference each, or its single values. */
const ranges = (axis: Comparison["axis"]): ReadonlyArray<Bin> => {
  const total = axis.reduce((sum, { rows }) => sum + rows, 0);
  const own = axis.filter(({ rows }) => rows > 0);
  const single = own.length <= mostNumbers && own.every(({ lower, upper }) => lower === upper);
  if (single) {
    const others = axis.filter(({ rows }) => rows === 0).reduce((sum, { now }) => sum + now, 0);
    const bins = own.map(({ lower, rows, now }) => ({
      label: text(lower),
      reference: rows,
      current: now,
    }));
    return others > 0 ? [...bins, { label: "other", reference: 0, current: others }] : bins;
  }
  const bins: Array<Bin & { readonly from: number; readonly to: number }> = [];
  let [reference, current, seen, from] = [0, 0, 0, -Infinity];
  axis.forEach(({ upper, rows, now }, at) => {
    reference += rows;
    current += now;
    seen += rows;
    const last = at === axis.length - 1;
    if (!last && (reference === 0 || seen < ((bins.length + 1) * total) / 10)) return;
    bins.push({ label: "", reference, current, from, to: last ? Infinity : upper });
    [reference, current, from] = [0, 0, upper];
  });
  return bins.map(({ from, to, ...counts }, at) => ({
    ...counts,
    label:
      bins.length === 1
        ? "all values"
        : at === 0
          ? `up to ${text(to)}`
          : at === bins.length - 1
            ? `above ${text(from)}`
            : `${text(from)} to ${text(to)}`,
  }));
};

/** A number in a label, short. */
const text = (value: number): string => String(Number(value.toPrecision(4)));

const categories = (a: ColumnProfile, b: ColumnProfile): ReadonlyArray<Bin> | undefined => {
  const [was, is] = [countsOf(a), countsOf(b)];
  if (was === undefined || is === undefined) return undefined;
  const names = [...was]
    .toSorted(([, x], [, y]) => y - x)
    .slice(0, mostCategories)
    .map(([name]) => name);
  const bins = names.map((label) => ({
    label,
    reference: was.get(label) ?? 0,
    current: is.get(label) ?? 0,
  }));
  const others = {
    label: "other",
    reference: a.present - bins.reduce((sum, bin) => sum + bin.reference, 0),
    current: b.present - bins.reduce((sum, bin) => sum + bin.current, 0),
  };
  return others.reference + others.current > 0 ? [...bins, others] : bins;
};

/** Rows by category. */
const countsOf = ({
  present,
  trues,
  values,
}: ColumnProfile): ReadonlyMap<string, number> | undefined =>
  trues !== undefined
    ? new Map([
        ["true", trues],
        ["false", present - trues],
      ])
    : values === undefined || values === null
      ? undefined
      : new Map(values.map(({ value, rows }) => [String(value), rows]));

/** A distance, and the one that chance alone would not exceed in 19 of 20 samples without drift. */
export interface Distance {
  readonly value: number;
  readonly byChance: number;
}

/**
 * The distance of two compared columns. `byChance` is what independent rows without any drift stay below
 * 19 times of 20: a limit below it cannot be judged with so few rows. It follows from the limit
 * distributions: chi-square of the bins for the distances of shares, Kolmogorov's for `ks`. For
 * `wasserstein` it is 2.3 sqrt(1/n + 1/m), the most that simulated normal, uniform, exponential and
 * log-normal samples gave.
 *
 * Source of the first: Yurdakul & Naranjo, J. Risk Model Validation 14(4), 2020. Fails, in words, if the
 * method does not suit the column.
 */
export const distance = (
  comparison: Comparison,
  method: Method,
): Result.Result<Distance, Incomparable> => {
  const { kind, bins, axis, reference } = comparison;
  const was = { counts: bins.map((bin) => bin.reference) };
  const is = { counts: bins.map((bin) => bin.current) };
  const spread = perRow(rowsOf(reference), rowsOf(comparison.current));
  const quantile = chiSquareQuantile(bins.length - 1);
  const shares = (found: ReturnType<typeof Drift.psi>, byChance: number) =>
    inWords(Result.map(found, (value) => ({ value, byChance })));
  switch (method) {
    case "psi":
      return shares(Drift.psi(was, is), quantile * spread);
    case "jensen-shannon":
      return shares(Drift.jensenShannon(was, is), Math.sqrt((quantile * spread) / 8 / Math.LN2));
    case "kullback-leibler":
      return shares(Drift.kullbackLeibler(was, is), (quantile * spread) / 2);
    case "hellinger":
      return shares(Drift.hellinger(was, is), Math.sqrt((quantile * spread) / 8));
    case "total-variation":
      return shares(Drift.totalVariation(was, is), Math.sqrt(quantile * spread) / 2);
    case "l-infinity":
      return shares(Drift.lInfinity(was, is), 1.36 * Math.sqrt(spread));
    case "cramers-v":
      return shares(
        Association.cramersV([was.counts, is.counts]),
        Math.sqrt(quantile / (rowsOf(reference) + rowsOf(comparison.current))),
      );
    case "ks":
    case "wasserstein": {
      if (kind !== "numbers") return Result.fail("categories have no order");
      const [n, m] = [sum(axis.map(({ rows }) => rows)), sum(axis.map(({ now }) => now))];
      if (n === 0 || m === 0) return Result.fail("one of them has no finite value");
      const deviationByChance = Math.sqrt(perRow(n, m));
      if (method === "ks") {
        const counts = { counts: axis.map(({ rows }) => rows) };
        const now = { counts: axis.map((span) => span.now) };
        const found = Result.map(Drift.ksBinned(counts, now), ({ lower }) => lower);
        return shares(found, 1.36 * deviationByChance);
      }
      const deviation = standardDeviation(reference) ?? 0;
      const value = moved(axis, n, m) / Math.max(deviation, 0.001);
      return Result.succeed({ value, byChance: 2.3 * deviationByChance });
    }
  }
};

const perRow = (n: number, m: number): number => 1 / n + 1 / m;
const sum = (values: ReadonlyArray<number>): number =>
  values.reduce((total, each) => total + each, 0);

const inWords = <A>(result: Result.Result<A, { readonly message: string }>) =>
  Result.mapError(result, ({ message }) => message);

/** The area between the distribution functions, rows standing in the middle of their buckets. */
const moved = (axis: Comparison["axis"], n: number, m: number): number => {
  let [area, gap, at] = [0, 0, NaN];
  for (const { lower, upper, rows, now } of axis) {
    const middle = lower + (upper - lower) / 2;
    if (!Number.isNaN(at)) area += Math.abs(gap) * (middle - at);
    gap += rows / n - now / m;
    at = middle;
  }
  return area;
};

/** The value that a chi-square variable exceeds once in 20, by bisection of its tail. */
const chiSquareQuantile = (degrees: number): number => {
  if (degrees === 0) return 0;
  let [low, high] = [0, degrees + 20 * Math.sqrt(degrees) + 20];
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (chiSquareTail(middle, degrees) > 0.05) low = middle;
    else high = middle;
  }
  return high;
};

/**
 * Between what the Kolmogorov–Smirnov statistic of the rows themselves lies, which buckets only bound;
 * equal if both list their values.
 */
export const ksBounds = ({ axis }: Comparison): Result.Result<Drift.KsBounds, Incomparable> =>
  inWords(
    Result.map(
      Drift.ksBinned(
        { counts: axis.map(({ rows }) => rows) },
        { counts: axis.map(({ now }) => now) },
      ),
      ({ lower, upper }) =>
        axis.every((span) => span.lower === span.upper)
          ? { lower, upper: lower }
          : { lower, upper },
    ),
  );

/**
 * The p-value that both columns have the same distribution: chi-square over the bins, in which rare
 * categories are joined first until none expects fewer than five rows. At scale it is small for any
 * difference: see `HypothesisTest`. Undefined where fewer than two bins are left.
 */
export const pValueOf = ({ bins }: Comparison): number | undefined => {
  const [n, m] = [
    sum(bins.map(({ reference }) => reference)),
    sum(bins.map(({ current }) => current)),
  ];
  const expects = (bin: Bin): number => ((bin.reference + bin.current) * Math.min(n, m)) / (n + m);
  const large = bins.filter((bin) => expects(bin) >= 5);
  const small = bins.filter((bin) => expects(bin) < 5);
  const rest = {
    reference: sum(small.map(({ reference }) => reference)),
    current: sum(small.map(({ current }) => current)),
  };
  const kept = rest.reference + rest.current > 0 ? [...large, rest] : large;
  if (kept.length < 2) return undefined;
  const test = HypothesisTest.chiSquare([
    kept.map(({ reference }) => reference),
    kept.map(({ current }) => current),
  ]);
  return Result.isSuccess(test) && !test.success.sparse ? test.success.pValue : undefined;
};

/** Texts that the reference does not have, most frequent first; undefined if either is not listed. */
export const newValues = (
  reference: ColumnProfile,
  current: ColumnProfile,
): ReadonlyArray<{ readonly value: string | number; readonly rows: number }> | undefined => {
  if (reference.type !== "string" || reference.values == null || current.values == null) {
    return undefined;
  }
  const known = new Set(reference.values.map(({ value }) => value));
  return current.values
    .filter(({ value }) => !known.has(value))
    .toSorted((a, b) => b.rows - a.rows);
};

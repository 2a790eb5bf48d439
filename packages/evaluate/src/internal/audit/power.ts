/** How much each feature alone says about the outcome, on a sample. */
import { Classification, Drift, Interval } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { FeaturePower } from "../../LeakageAudit.ts";
import type { Facts } from "./facts.ts";

/** Bins in which a feature may say something that its order does not. */
const bins = 32;

/** The power of each feature on both samples, the most telling first. */
export const powerOf = Effect.fnUntraced(function* (train: Facts, test: Facts) {
  const found: Array<FeaturePower> = [];
  for (const [feature, { sample }] of train.features) {
    const onTrain = alone(sample, train.outcomes);
    const onTest = alone(test.features.get(feature)?.sample, test.outcomes);
    if (onTrain !== undefined) found.push({ feature, ...onTrain, onTest: onTest?.rocAuc ?? null });
    yield* Effect.yieldNow;
  }
  return found.toSorted((a, b) => b.rocAuc - a.rocAuc);
});

type Power = Pick<FeaturePower, "rocAuc" | "interval">;

/** The mean over the views of the outcome, of those that have both yes and no. */
const alone = (
  values: Float64Array | undefined,
  outcomes: ReadonlyArray<Float64Array>,
): Power | undefined => {
  if (values === undefined || values.every(Number.isNaN)) return undefined;
  const found = outcomes.flatMap((outcome) => inView(values, outcome) ?? []);
  const [first, ...others] = found;
  if (first === undefined || others.length === 0) return first;
  const mean = (of: (one: Power) => number) =>
    found.reduce((sum, one) => sum + of(one), 0) / found.length;
  return {
    rocAuc: mean(({ rocAuc }) => rocAuc),
    interval: found.every(({ interval }) => interval === null)
      ? null
      : [
          mean(({ rocAuc, interval }) => interval?.[0] ?? rocAuc),
          mean(({ rocAuc, interval }) => interval?.[1] ?? rocAuc),
        ],
  };
};

/**
 * The larger of two: the ROC AUC of the feature's order, and that of its outcome rates in bins, which are
 * learnt on one half of the rows and judged on the other, so that chance does not count.
 */
const inView = (values: Float64Array, label: Float64Array): Power | undefined => {
  const scored = [ordered(values, label), binned(values, label)].flatMap((scores) => {
    const auc = Classification.rocAuc(scores.values, scores.label);
    return auc._tag === "Success" ? [{ ...scores, auc: auc.success }] : [];
  });
  const [best] = scored.toSorted((a, b) => b.auc - a.auc);
  if (best === undefined) return undefined;
  const interval = Interval.aucInterval(best.values, best.label);
  return {
    rocAuc: best.auc,
    interval: interval._tag === "Success" ? [interval.success.lower, interval.success.upper] : null,
  };
};

/** In the better direction, with missing values at the better end. */
const ordered = (values: Float64Array, label: Float64Array) => {
  const ends = values.some(Number.isNaN) ? [-Infinity, Infinity] : [0];
  const filled = ends.flatMap((end) => {
    const one = values.map((value) => (Number.isNaN(value) ? end : value));
    const auc = Classification.rocAuc(one, label);
    if (auc._tag === "Failure") return [];
    const upwards = auc.success >= 0.5;
    return [
      { auc: upwards ? auc.success : 1 - auc.success, one: upwards ? one : one.map((v) => -v) },
    ];
  });
  const [best] = filled.toSorted((a, b) => b.auc - a.auc);
  return { values: best?.one ?? values, label };
};

const binned = (values: Float64Array, label: Float64Array) => {
  const isFirst = (_: number, row: number) => row % 2 === 0;
  const isSecond = (_: number, row: number) => row % 2 === 1;
  const [learn, learnLabel] = [values.filter(isFirst), label.filter(isFirst)];
  const [judge, judgeLabel] = [values.filter(isSecond), label.filter(isSecond)];
  const sorted = learn.filter((value) => !Number.isNaN(value)).toSorted();
  const edges = Array.from(
    { length: bins - 1 },
    (_, bin) => sorted[Math.floor(((bin + 1) * sorted.length) / bins)] ?? 0,
  );
  const binOf = (value: number): number =>
    Number.isNaN(value) ? bins : edges.filter((edge) => value >= edge).length;
  const sums = Array.from({ length: bins + 1 }, () => 0);
  const counts = Array.from({ length: bins + 1 }, () => 0);
  for (const [row, value] of learn.entries()) {
    const bin = binOf(value);
    sums[bin]! += learnLabel[row]!;
    counts[bin]! += 1;
  }
  const base = learnLabel.reduce((sum, one) => sum + one, 0) / Math.max(1, learnLabel.length);
  // A bin with few rows says little: its rate is drawn towards the base rate.
  const rates = sums.map((sum, bin) => (sum + base) / (counts[bin]! + 1));
  return { values: judge.map((value) => rates[binOf(value)] ?? base), label: judgeLabel };
};

/** The Kolmogorov–Smirnov statistic of each feature between the samples; missing values left out. */
export const shiftsOf = (
  train: Facts,
  test: Facts,
): ReadonlyArray<{ readonly feature: string; readonly ks: number }> =>
  [...train.features].flatMap(([feature, { sample }]) => {
    const sorted = (values: Float64Array = new Float64Array()) =>
      values.filter((value) => !Number.isNaN(value)).toSorted();
    const [before, after] = [sorted(sample), sorted(test.features.get(feature)?.sample)];
    if (before.length === 0 || after.length === 0) return [];
    const ks = Drift.ksSorted(before, after);
    return ks._tag === "Success" ? [{ feature, ks: ks.success }] : [];
  });

/** Power before training, from counts: see `Power.ts` for what the numbers mean. */
import { type Charter, Holdout, type Metric } from "@ml-pipe/core";
import { type Decisions, Power, type StatisticsError } from "@ml-pipe/data";
import * as Result from "effect/Result";
import type { PowerAnalysis } from "../../Power.ts";
import { type Cells, cellNames, type Moments } from "./read.ts";

/** Blocks below which the noise between them is hardly known. */
const fewBlocks = 10;

/** What the analysis is asked. */
export interface AnalyseOptions {
  readonly charter: Charter.Charter<Metric.DecisionMetric>;
  readonly level: number;
  readonly power: number;
  readonly looks: number;
  readonly correlation: number;
  readonly blocks: Decisions.Block;
  /** What is assigned to an arm of the A/B test. */
  readonly unit: "group" | "row";
  readonly perDay: number | undefined;
  readonly now: number;
}

/** The analysis; at least two rows have an outcome, and two test rows. */
export const analyse = (
  known: Cells,
  test: { readonly rows: number; readonly blocks: number },
  options: AnalyseOptions,
): PowerAnalysis => {
  const { charter, power, correlation, blocks: by } = options;
  const { metric, smallestGain } = charter.spec;
  const { costs, unit } = metric;
  const level = Holdout.correctedLevel(options.level, options.looks);
  const asked = { level, power };
  const cost = cellNames.map((name) => costs[name]);
  const best = [costs.truePositive, costs.trueNegative, costs.truePositive, costs.trueNegative];
  const [truePositives = 0, , falseNegatives = 0] = known.block.sums;
  const baselineCost = meanOf(known.block, cost, known.rows);
  const largestGain = baselineCost - meanOf(known.block, best, known.rows);

  const saving = Math.min(
    costs.falseNegative - costs.truePositive,
    costs.falsePositive - costs.trueNegative,
  );
  const leastSd = Math.sqrt(Math.max(0, smallestGain * (saving - smallestGain)));
  const paired = Math.sqrt(2 * (1 - correlation));
  const blockSd = paired * deviationOf(known.block, cost, known.rows);
  const noise = {
    least: { sd: leastSd, count: test.rows },
    expected: { sd: blockSd, count: test.blocks },
  };
  const needed = {
    least: (countFor({ sd: leastSd, difference: smallestGain }, asked) * test.blocks) / test.rows,
    expected: countFor({ sd: blockSd, difference: smallestGain }, asked),
  };
  const detectable = {
    least: detectableBy(noise.least, asked),
    expected: detectableBy(noise.expected, asked),
  };

  const unitSd = deviationOf(known.unit, cost, known.rows);
  const perArm = perArmFor({ sd: unitSd, difference: smallestGain }, asked);
  const perDay =
    options.perDay ??
    (known.days === null || known.days === 0 ? null : known.unit.units / known.days);
  const arms = { least: perArm / 2, expected: perArm };
  const days =
    perDay === null
      ? null
      : { least: (2 * arms.least) / perDay, expected: (2 * arms.expected) / perDay };
  const daysLeft = daysUntil(charter, options.now);

  const because = [
    ...(detectable.expected > smallestGain
      ? [
          "the test rows tell the smallest gain from none only if the model's gain varies less than is to be expected",
        ]
      : smallestGain + detectable.expected > largestGain
        ? ["with the noise to be expected, not even perfect foresight would pass"]
        : []),
    ...(by !== "row" && known.block.units < fewBlocks
      ? [`the noise is known from ${known.block.units} ${by}s only`]
      : []),
    ...(days === null ? ["nothing tells how many decisions a day brings to the A/B test"] : []),
    ...(days !== null && days.expected > daysLeft
      ? ["the A/B test ends before the kill date only with less noise than is to be expected"]
      : []),
  ];
  return {
    status: because.length === 0 ? "sufficient" : "inconclusive",
    because,
    unit,
    smallestGain,
    level,
    power,
    basis: {
      rows: known.rows,
      positives: truePositives + falseNegatives,
      blocks: { by, count: known.block.units },
      baselineCost,
      largestGain,
    },
    test: {
      ...test,
      standardError: {
        least: leastSd / Math.sqrt(test.rows),
        expected: blockSd / Math.sqrt(test.blocks),
      },
      detectable,
      blocksNeeded: needed,
      gainToPass: smallestGain + detectable.expected,
    },
    experiment: {
      unit: options.unit,
      perArm: arms,
      perDay,
      days,
      daysLeft,
    },
  };
};

/** Days from an instant until the kill date of a charter, less the time until outcomes are known. */
export const daysUntil = ({ spec }: Charter.Charter, now: number): number =>
  (spec.kill.on.getTime() - now - spec.decision.outcomeKnownAfterMs) / 86_400_000;

const meanOf = ({ sums }: Moments, cost: ReadonlyArray<number>, rows: number): number =>
  sums.reduce((sum, count, cell) => sum + count * (cost[cell] ?? 0), 0) / rows;

/**
 * The standard deviation s of a unit's part in the mean over rows, so that the mean's standard error is
 * s / √units: of a ratio of two sums (Cochran, Sampling Techniques, 1977, section 6.3).
 */
const deviationOf = (moments: Moments, cost: ReadonlyArray<number>, rows: number): number => {
  const { units, products } = moments;
  if (units < 2) return 0;
  const mean = meanOf(moments, cost, rows);
  const residual = cost.map((one) => one - mean);
  let squares = 0;
  for (const [i, row] of products.entries()) {
    for (const [j, product] of row.entries()) {
      squares += product * (residual[i] ?? 0) * (residual[j] ?? 0);
    }
  }
  return Math.sqrt(Math.max(0, squares) / (units - 1)) * (units / rows);
};

type Asked = { readonly level: number; readonly power: number };

/** Without noise, the least number shows any difference; without two units, none does. */
const detectableBy = (
  { sd, count }: { readonly sd: number; readonly count: number },
  asked: Asked,
): number =>
  sd === 0 ? 0 : (orNull(Power.detectableMean({ sd, count }, asked)) ?? Number.MAX_VALUE);

const countFor = (design: Power.MeanDesign, asked: Asked): number =>
  orNull(Power.countForMean(design, asked)) ?? 2;

const perArmFor = (design: Power.MeanDesign, asked: Asked): number =>
  orNull(Power.perArmForMeans(design, asked)) ?? 2;

const orNull = <A>(result: Result.Result<A, StatisticsError>): A | null =>
  Result.isSuccess(result) ? result.success : null;

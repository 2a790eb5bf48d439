/** Power before training, from what the baseline costs: see `Power.ts` for what the numbers mean. */
import { type Charter, Holdout } from "@ml-pipe/core";
import { type BusinessCost, Power, type Predictions, type StatisticsError } from "@ml-pipe/data";
import * as Result from "effect/Result";
import type { PowerAnalysis } from "../../Power.ts";
import type { Charged } from "./read.ts";

/** Blocks below which the noise between them is hardly known. */
const fewBlocks = 10;

/** What the analysis is asked. */
export interface AnalyseOptions {
  readonly charter: Charter.Charter;
  readonly cost: BusinessCost.BusinessCost;
  readonly level: number;
  readonly power: number;
  readonly looks: number;
  readonly correlation: number;
  readonly blocks: Predictions.Block;
  /** What is assigned to an arm of the A/B test. */
  readonly unit: "group" | "row";
  readonly perDay: number | undefined;
  readonly now: number;
}

/** The analysis; at least two rows have an outcome, and two test rows. */
export const analyse = (
  known: Charged,
  test: { readonly rows: number; readonly blocks: number },
  options: AnalyseOptions,
): PowerAnalysis => {
  const { charter, power, correlation, blocks: by } = options;
  const { smallestGain } = charter.spec;
  const { unit, savings } = options.cost;
  const level = Holdout.correctedLevel(options.level, options.looks);
  const asked = { level, power };
  const { baselineCost } = known;
  const largestGain = baselineCost - known.leastCost;

  const leastSd = Math.sqrt(leastVariance(smallestGain, savings));
  const paired = Math.sqrt(2 * (1 - correlation));
  const blockSd = paired * known.block.sd;
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

  const perArm = perArmFor({ sd: known.unit.sd, difference: smallestGain }, asked);
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

/**
 * The least variance of a gain with this mean of which each row has one of the savings: where it has but the two
 * next to the mean (of any amount x, (x − below) (x − above) is 0 or more). 0 where it can be any amount.
 */
const leastVariance = (mean: number, savings: ReadonlyArray<number> | undefined): number => {
  const below = savings?.findLast((one) => one <= mean);
  const above = savings?.find((one) => one >= mean);
  return below === undefined || above === undefined ? 0 : (mean - below) * (above - mean);
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

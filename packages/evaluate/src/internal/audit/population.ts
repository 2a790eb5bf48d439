/** Whether the test rows are like those that the model will meet (L3.3). */
import { Interval, Words } from "@ml-pipe/data";
import type { AuditResult } from "../../LeakageAudit.ts";
import type { Facts } from "./facts.ts";

const { counted, number, percent } = Words;

/** What is known of the rows that the model will decide about. */
export interface Population {
  /** Which rows these are, in words: what the score is claimed for. */
  readonly description: string;
  /** Share of positive outcomes among them, from and to, 0 to 1. */
  readonly positiveRate?: readonly [number, number];
}

/** Kolmogorov–Smirnov statistic from which a feature is said to differ (deepchecks: 0.2). */
const shiftFrom = 0.2;

/** Features whose values differ between train and test. */
export const shifted = (
  shifts: ReadonlyArray<{ readonly feature: string; readonly ks: number }>,
): AuditResult => {
  const found = shifts.filter(({ ks }) => ks >= shiftFrom).toSorted((a, b) => b.ks - a.ks);
  const most = Math.max(0, ...shifts.map(({ ks }) => ks));
  return {
    kind: "L3.3",
    check: "leakage.shift",
    outcome: shifts.length === 0 ? "not-run" : found.length === 0 ? "clear" : "noted",
    columns: found.map(({ feature }) => feature),
    expected: `features that are distributed on test as on train (Kolmogorov–Smirnov statistic below ${shiftFrom})`,
    found:
      shifts.length === 0
        ? "no feature with values in both parts"
        : found.length === 0
          ? `at most ${number(most)} over ${counted(shifts.length, "feature")}`
          : found.map(({ feature, ks }) => `"${feature}": ${number(ks)}`).join(", "),
    next:
      found.length === 0
        ? "Nothing to do."
        : "Find out whether the test rows are like those to be decided: if they were sampled otherwise, the score is about somebody else.",
  };
};

/** The test rows against the population that was declared. */
export const represents = (population: Population | undefined, test: Facts): AuditResult => {
  const base = {
    kind: "L3.3",
    check: "leakage.population",
    columns: [],
  } as const;
  if (population?.positiveRate === undefined) {
    return {
      ...base,
      outcome: "not-applicable",
      expected: "a declared population with its share of positive outcomes",
      found: population === undefined ? "none declared" : `"${population.description}", without it`,
      next: "Say for which rows the score is claimed: leakage.population.",
    };
  }
  const [low, high] = population.positiveRate;
  const interval = Interval.wilson(test.positives, test.labelled, 0.95);
  const [lower, upper] =
    interval._tag === "Success"
      ? [interval.success.lower, interval.success.upper]
      : [Number.NaN, Number.NaN];
  const rate = test.positives / Math.max(1, test.labelled);
  const differs = upper < low || lower > high;
  return {
    ...base,
    outcome: interval._tag === "Failure" ? "not-run" : differs ? "suspected" : "clear",
    expected: `${percent(low)} to ${percent(high)} positive outcomes, as in the population "${population.description}"`,
    found:
      interval._tag === "Failure"
        ? "no test rows with an outcome"
        : `${percent(rate)} (95 % interval ${percent(lower)} to ${percent(upper)}, Wilson)`,
    next: differs
      ? "The test rows were sampled otherwise than the population: draw them from it, or claim the score for what they are."
      : "Nothing to do.",
  };
};

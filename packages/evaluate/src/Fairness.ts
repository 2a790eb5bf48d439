/**
 * Fairness: whether decisions treat groups of people alike. Rates by group (how often the model acts, and
 * how often rightly and wrongly so) against all others, with intervals over blocks, and the four-fifths
 * rule of the US Uniform Guidelines.
 *
 * Two claims, two corrections. "Alike" is claimed only where every single interval lies within the limit:
 * all must hold, so none needs a correction (Berger, Technometrics 24(4), 1982). "Not alike" is claimed
 * where a difference is beyond the limit after Holm's correction for all of them (Scand. J. Statist. 6(2),
 * 1979). Between the two, the answer is inconclusive.
 */
import { type Exhibit, Verdict } from "@ml-pipe/core";
import { Interval, Words } from "@ml-pipe/data";
import * as Schema from "effect/Schema";

export { checkOptions, measure } from "./internal/fairness.ts";

const { counted, number, percent, whole } = Words;

/** How often the model acts: on all rows, on rows where it would be right, and where it would be wrong. */
export const RateOf = Schema.Literals(["selection", "truePositive", "falsePositive"]);
/** See {@link RateOf}. */
export type RateOf = typeof RateOf.Type;

/** Which groups are compared, and how far apart they may be. */
export interface FairnessOptions<Kept extends string = string> {
  /** Kept columns that tell the groups: age band, region. */
  readonly by: ReadonlyArray<Kept>;
  /** Largest difference of a rate between a group and all others that passes; default 0.1. */
  readonly maxDifference?: number;
  /**
   * Which rates: `selection` (demographic parity), `truePositive` (equal opportunity, Hardt et al. 2016),
   * with `falsePositive` equalised odds. Default: all three.
   */
  readonly rates?: ReadonlyArray<RateOf>;
  /**
   * Asks also for the four-fifths rule, 29 CFR 1607.4(D): the rate of the favourable decision of each group
   * is at least 0.8 of that of the group with the highest. Says which decision is favourable.
   */
  readonly fourFifths?: { readonly favourable: "act" | "not act" };
  /** Rows below which a group is not compared, and said so; default 100. */
  readonly minRows?: number;
}

const group = { column: Schema.String, value: Schema.NullOr(Schema.String) };

/** The rates of groups, and what follows. */
export const FairnessResult = Schema.Struct({
  maxDifference: Schema.Finite,
  level: Schema.Finite,
  differences: Schema.Array(
    Schema.Struct({
      ...group,
      of: RateOf,
      /** Rows that the rate is of, and the rate: of the group and of all others. */
      rows: Schema.Int,
      rate: Schema.NullOr(Schema.Finite),
      others: Schema.NullOr(Schema.Finite),
      /** Group less others; null where the rows cannot tell. */
      difference: Schema.NullOr(Interval.Interval),
      /** Probability of a difference so large if the true one were at the limit, corrected (Holm). */
      pBeyond: Schema.NullOr(Schema.Finite),
      outcome: Verdict.Outcome,
    }),
  ),
  /** Empty unless asked for. */
  fourFifths: Schema.Array(
    Schema.Struct({
      ...group,
      rows: Schema.Int,
      /** Rate of the favourable decision; of the best group of the column; the one over the other. */
      rate: Schema.Finite,
      best: Schema.Finite,
      ratio: Schema.Finite,
      /** Of so large a difference from the best group by chance, corrected (Holm); null for the best itself. */
      pValue: Schema.NullOr(Schema.Finite),
      outcome: Verdict.Outcome,
    }),
  ),
  /** Groups that were not compared: too few rows. */
  small: Schema.Array(
    Schema.Struct({ column: Schema.String, values: Schema.Int, rows: Schema.Int }),
  ),
}).annotate({ title: "FairnessResult" });
/** See {@link FairnessResult}. */
export type FairnessResult = typeof FairnessResult.Type;

type Difference = FairnessResult["differences"][number];
type FourFifths = FairnessResult["fourFifths"][number];

const names = {
  selection: "acts on",
  truePositive: "acts rightly on",
  falsePositive: "acts wrongly on",
} as const;

const groupOf = ({ column, value }: { readonly column: string; readonly value: string | null }) =>
  `${column} ${value ?? "(missing)"}`;

/** The gates: one for the differences, and one for the four-fifths rule if it was asked for. */
export const gates = (result: FairnessResult): ReadonlyArray<Verdict.Gate<unknown>> => [
  { name: "fair: like rates", check: () => differencesAnswer(result) },
  ...(result.fourFifths.length === 0
    ? []
    : [{ name: "fair: four-fifths rule", check: () => fourFifthsAnswer(result) }]),
];

type Answer = ReturnType<Verdict.Gate<unknown>["check"]>;

const differencesAnswer = ({
  differences,
  maxDifference,
  level,
  small,
}: FairnessResult): Answer => {
  const expected = `rates of each group within ${percent(maxDifference)} of all others, each with ${percent(level)} confidence`;
  const failed = differences.filter(({ outcome }) => outcome === "failed");
  const open = differences.filter(({ outcome }) => outcome === "inconclusive");
  const left = small.reduce((sum, one) => sum + one.values, 0);
  const unjudged = left === 0 ? "" : `; ${counted(left, "group")} with too few rows not compared`;
  if (failed.length > 0) {
    return {
      outcome: "failed",
      expected,
      found: `${few(failed.map(wordsOf))}${unjudged}`,
      next: "Find out whether the features stand for the group, whether labels are as right for it as for others, and whether it is rare in training; the owner decides with those who are concerned.",
    };
  }
  if (differences.length === 0 || open.length > 0 || left > 0) {
    return {
      outcome: "inconclusive",
      expected,
      found:
        differences.length === 0
          ? `no two groups with enough rows${unjudged}`
          : `${open.length === 0 ? "all groups compared are" : few(open.map(wordsOf))}${unjudged}`,
      next: "Test on more rows of these groups, merge groups that mean the same, or let the owner decide.",
    };
  }
  const widest = differences.toSorted((a, b) => sizeOf(b) - sizeOf(a))[0];
  return {
    outcome: "passed",
    expected,
    found: `all ${whole(differences.length)} are${widest === undefined ? "" : `; widest: ${wordsOf(widest)}`}`,
    next: "Nothing to do.",
  };
};

const few = (all: ReadonlyArray<string>): string =>
  `${all.slice(0, 3).join("; ")}${all.length > 3 ? `; and ${all.length - 3} more` : ""}`;

const sizeOf = ({ difference }: Difference): number => Math.abs(difference?.estimate ?? 0);

const wordsOf = (one: Difference): string => {
  const { of, rate, others, difference } = one;
  const group = `${names[of]} ${rate === null ? "none" : percent(rate)} of ${groupOf(one)}, ${others === null ? "none" : percent(others)} of others`;
  return difference === null
    ? `${group}, too few to tell`
    : `${group} (difference ${number(difference.lower)} to ${number(difference.upper)})`;
};

const fourFifthsAnswer = ({ fourFifths, level }: FairnessResult): Answer => {
  const expected =
    "the favourable decision at least 0.8 times as often as in the best-placed group";
  const failed = fourFifths.filter(({ outcome }) => outcome === "failed");
  const open = fourFifths.filter(({ outcome }) => outcome === "inconclusive");
  const words = (one: FourFifths) =>
    `${groupOf(one)} ${number(one.ratio)} (${percent(one.rate)} against ${percent(one.best)})`;
  if (failed.length > 0) {
    return {
      outcome: "failed",
      expected,
      found: few(failed.map(words)),
      next: "Adverse impact by this rule: change the features or the threshold, or let counsel and the owner establish that the business needs it and nothing milder serves.",
    };
  }
  const worst = fourFifths.toSorted((a, b) => a.ratio - b.ratio)[0];
  return open.length > 0
    ? {
        outcome: "inconclusive",
        expected,
        found: `${few(open.map(words))}, which chance could explain (not ${percent(level)} sure)`,
        next: "Test on more rows of these groups, or let the owner decide.",
      }
    : {
        outcome: "passed",
        expected,
        found: worst === undefined ? "no group" : `lowest: ${words(worst)}`,
        next: "Nothing to do.",
      };
};

/** The tables. */
export const exhibitsOf = (result: FairnessResult): ReadonlyArray<Exhibit.Exhibit> => [
  {
    _tag: "table",
    title: "Rates by group",
    caption: `share on which the model acts: of all rows, of those where acting is right, and where it is wrong; difference from all others with ${percent(result.level)} interval`,
    columns: ["group", "rate", "rows", "group's", "others'", "difference", "from", "to", "answer"],
    rows: result.differences.map((one) => [
      groupOf(one),
      one.of,
      one.rows,
      one.rate,
      one.others,
      one.difference?.estimate ?? null,
      one.difference?.lower ?? null,
      one.difference?.upper ?? null,
      one.outcome,
    ]),
  },
  ...(result.fourFifths.length === 0
    ? []
    : [
        {
          _tag: "table" as const,
          title: "Four-fifths rule",
          columns: ["group", "rows", "favourable", "best group's", "ratio", "answer"],
          rows: result.fourFifths.map((one) => [
            groupOf(one),
            one.rows,
            one.rate,
            one.best,
            one.ratio,
            one.outcome,
          ]),
        },
      ]),
];

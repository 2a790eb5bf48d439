/**
 * Fairness: whether groups of people are treated alike. What decisions do to them (how often the model acts,
 * rightly and wrongly), what its errors cost, and in which direction they go: each group against all others,
 * with intervals over blocks; and the four-fifths rule of the US Uniform Guidelines.
 *
 * Two claims, two corrections. "Alike" is claimed only where every single interval lies within the limit:
 * all must hold, so none needs a correction (Berger, Technometrics 24(4), 1982). "Not alike" is claimed
 * where a difference is beyond the limit after Holm's correction for all of them (Scand. J. Statist. 6(2),
 * 1979). Between the two, the answer is inconclusive.
 */
import { type Exhibit, Verdict } from "@ml-pipe/core";
import { Interval, Words } from "@ml-pipe/data";
import * as Schema from "effect/Schema";

export { type Asked, ofClasses, ofDecisions, ofNumbers } from "./internal/fairness/asked.ts";
export { measure } from "./internal/fairness/measure.ts";

const { counted, number, percent, whole } = Words;

/** How often the model acts: on all rows, on rows where it would be right, and where it would be wrong. */
export const RateOf = Schema.Literals(["selection", "truePositive", "falsePositive"]);
/** See {@link RateOf}. */
export type RateOf = typeof RateOf.Type;

/** What is compared between groups: a rate, what the model costs, or how far it errs to one side. */
export const ComparedOf = Schema.Union([RateOf, Schema.Literals(["cost", "bias"])]);
/** See {@link ComparedOf}. */
export type ComparedOf = typeof ComparedOf.Type;

/** Which groups are compared, whatever is predicted. */
export interface GroupOptions<Kept extends string = string> {
  /** Kept columns that tell the groups: age band, region. */
  readonly by: ReadonlyArray<Kept>;
  /**
   * Largest difference of the mean cost between a group and all others that passes, in the metric's unit (after
   * the bounded group loss of Agarwal, Dudík & Wu, ICML 2019). Default: costs are not compared.
   */
  readonly maxCostDifference?: number;
  /** Rows below which a group is not compared, and said so; default 100. */
  readonly minRows?: number;
}

/** How rates of decisions are compared, and how far apart they may be. */
export interface RateOptions {
  /** Largest difference of a rate between a group and all others that passes; default 0.1. */
  readonly maxDifference?: number;
  /**
   * Which rates: `selection` (demographic parity), `truePositive` (equal opportunity, Hardt et al. 2016),
   * with `falsePositive` equalised odds. Default: all three.
   */
  readonly rates?: ReadonlyArray<RateOf>;
}

/** How groups are compared by decisions of yes or no. */
export interface FairnessOptions<Kept extends string = string>
  extends GroupOptions<Kept>, RateOptions {
  /**
   * Asks also for the four-fifths rule, 29 CFR 1607.4(D): the rate of the favourable decision of each group
   * is at least 0.8 of that of the group with the highest. Says which decision is favourable.
   */
  readonly fourFifths?: { readonly favourable: "act" | "not act" };
}

/** How groups are compared by predicted numbers. */
export interface NumberFairnessOptions<Kept extends string = string> extends GroupOptions<Kept> {
  readonly maxCostDifference: number;
  /**
   * Largest difference of the bias (the mean of predicted less found, in the label's unit) between a group and
   * all others that passes. Default: it is not compared.
   */
  readonly maxBiasDifference?: number;
}

/** How groups are compared by choices among classes: by costs, and by how often the favourable ones are chosen. */
export interface ClassFairnessOptions<Kept extends string = string> extends GroupOptions<Kept> {
  readonly maxCostDifference: number;
  /**
   * Choices that are good for who gets them. Their rates are compared: `selection` is how often one of them is
   * chosen, `truePositive` how often where the class is one of them, `falsePositive` where it is not.
   */
  readonly favourable?: RateOptions & {
    readonly choices: ReadonlyArray<string>;
    /** Asks also for the four-fifths rule. Default: no. */
    readonly fourFifths?: boolean;
  };
}

const group = { column: Schema.String, value: Schema.NullOr(Schema.String) };

/** The rates of groups, and what follows. */
export const FairnessResult = Schema.Struct({
  level: Schema.Finite,
  /** What was compared, and the largest difference that passes: of rates, in the metric's unit, in the label's. */
  asked: Schema.Array(Schema.Struct({ of: ComparedOf, limit: Schema.Finite })),
  differences: Schema.Array(
    Schema.Struct({
      ...group,
      of: ComparedOf,
      /** Rows that the rate or mean is of, and what it is: of the group and of all others. */
      rows: Schema.Int,
      own: Schema.NullOr(Schema.Finite),
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

const groupOf = ({ column, value }: { readonly column: string; readonly value: string | null }) =>
  `${column} ${value ?? "(missing)"}`;

const isRate = (of: ComparedOf): of is RateOf => of !== "cost" && of !== "bias";

/** What is held against a limit together, and how it is said. */
const subjects = [
  { gate: "fair: like rates", of: isRate, things: "rates" },
  { gate: "fair: like costs", of: (of: ComparedOf) => of === "cost", things: "costs" },
  { gate: "fair: like bias", of: (of: ComparedOf) => of === "bias", things: "biases" },
] as const;

/** The gates: one for the differences of each kind, and one for the four-fifths rule if it was asked for. */
export const gates = (
  result: FairnessResult,
  unit: string,
): ReadonlyArray<Verdict.Gate<unknown>> => [
  ...subjects.flatMap((subject) =>
    result.asked.some(({ of }) => subject.of(of))
      ? [{ name: subject.gate, check: () => differencesAnswer(result, subject, unit) }]
      : [],
  ),
  ...(result.fourFifths.length === 0
    ? []
    : [{ name: "fair: four-fifths rule", check: () => fourFifthsAnswer(result) }]),
];

type Answer = ReturnType<Verdict.Gate<unknown>["check"]>;

const differencesAnswer = (
  { asked, differences: all, level, small }: FairnessResult,
  { of: isOne, things }: (typeof subjects)[number],
  unit: string,
): Answer => {
  const differences = all.filter(({ of }) => isOne(of));
  const limit = asked.find(({ of }) => isOne(of))?.limit ?? 0;
  const within = isOne("cost")
    ? `${number(limit)} ${unit}`
    : isOne("bias")
      ? number(limit)
      : percent(limit);
  const words = (one: Difference) => wordsOf(one, unit);
  const expected = `${things} of each group within ${within} of all others, each with ${percent(level)} confidence`;
  const failed = differences.filter(({ outcome }) => outcome === "failed");
  const open = differences.filter(({ outcome }) => outcome === "inconclusive");
  const left = small.reduce((sum, one) => sum + one.values, 0);
  const unjudged = left === 0 ? "" : `; ${counted(left, "group")} with too few rows not compared`;
  if (failed.length > 0) {
    return {
      outcome: "failed",
      expected,
      found: `${few(failed.map(words))}${unjudged}`,
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
          : `${open.length === 0 ? "all groups compared are" : few(open.map(words))}${unjudged}`,
      next: "Test on more rows of these groups, merge groups that mean the same, or let the owner decide.",
    };
  }
  const widest = differences.toSorted((a, b) => sizeOf(b) - sizeOf(a))[0];
  return {
    outcome: "passed",
    expected,
    found: `all ${whole(differences.length)} are${widest === undefined ? "" : `; widest: ${words(widest)}`}`,
    next: "Nothing to do.",
  };
};

const few = (all: ReadonlyArray<string>): string =>
  `${all.slice(0, 3).join("; ")}${all.length > 3 ? `; and ${all.length - 3} more` : ""}`;

const sizeOf = ({ difference }: Difference): number => Math.abs(difference?.estimate ?? 0);

const names = {
  selection: "acts on",
  truePositive: "acts rightly on",
  falsePositive: "acts wrongly on",
} as const;

const wordsOf = (one: Difference, unit: string): string => {
  const { of, own, others, difference } = one;
  const said = (value: number | null) =>
    value === null ? "none" : isRate(of) ? percent(value) : number(value);
  const group = isRate(of)
    ? `${names[of]} ${said(own)} of ${groupOf(one)}, ${said(others)} of others`
    : `${of === "cost" ? "costs" : "predicts too much by"} ${said(own)} for ${groupOf(one)}, ${said(others)} for others`;
  const per = of === "cost" ? ` ${unit}` : "";
  return difference === null
    ? `${group}, too few to tell`
    : `${group} (difference ${number(difference.lower)} to ${number(difference.upper)}${per})`;
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
export const exhibitsOf = (
  result: FairnessResult,
  unit: string,
): ReadonlyArray<Exhibit.Exhibit> => [
  {
    _tag: "table",
    title: "Groups compared",
    caption: `${captionOf(result, unit)}; difference from all others with ${percent(result.level)} interval`,
    columns: ["group", "what", "rows", "group's", "others'", "difference", "from", "to", "answer"],
    rows: result.differences.map((one) => [
      groupOf(one),
      one.of,
      one.rows,
      one.own,
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

const captionOf = ({ asked }: FairnessResult, unit: string): string =>
  [
    ...(asked.some(({ of }) => isRate(of))
      ? [
          "share on which the model acts (chooses what is favourable): of all rows, of those where that is right, and where it is wrong",
        ]
      : []),
    ...(asked.some(({ of }) => of === "cost") ? [`what it costs, ${unit}`] : []),
    ...(asked.some(({ of }) => of === "bias") ? ["mean of predicted less found"] : []),
  ].join("; ");

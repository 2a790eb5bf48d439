/** The gates of lists: each with the numbers, their unit and what to do next. */
import type { Charter, Verdict } from "@ml-pipe/core";
import { Words } from "@ml-pipe/data";
import type {
  ListEvaluation,
  ListProperty,
  SystemEvaluation,
} from "../../recommend/ListEvaluation.ts";
import { inForce } from "../gates.ts";

const { counted, number, percent, whole } = Words;

/** What every list is judged by. */
export interface JudgedLists<out E> {
  readonly evaluation: E;
  readonly charter: Pick<Charter.Charter, "spec">;
  readonly now: Date;
  readonly minUsers: number;
  readonly suspiciousQuality: number;
}

type Answer = ReturnType<Verdict.Gate<unknown>["check"]>;
type Common = Omit<ListEvaluation, "metric" | "properties">;

const nothingToDo = "Nothing to do.";

/** `0.0389, 95 % interval 0.02 to 0.05`. */
export const measured = ({ estimate, interval }: ListProperty["difference"]): string =>
  interval === null
    ? number(estimate)
    : `${number(estimate)}, ${percent(interval.level)} interval ${number(interval.lower)} to ${number(interval.upper)}`;

const confident = ({ level, holdout }: Common): string => {
  const { correctedFor, nominalLevel } = holdout;
  const corrected =
    correctedFor === 1
      ? ""
      : ` (${percent(nominalLevel)} for ${correctedFor} looks at these test rows together)`;
  return `with ${percent(level)} confidence${corrected}`;
};

const outcomeOf = (
  { interval }: ListProperty["difference"],
  smallest: number,
): Answer["outcome"] => {
  if (interval === null) return "inconclusive";
  if (interval.lower >= smallest) return "passed";
  return interval.upper < smallest ? "failed" : "inconclusive";
};

const moreUsers = "Judge on more users: a longer test part, or a product with more of them.";

const beatsBaseline = ({ evaluation, charter }: JudgedLists<ListEvaluation>): Answer => {
  const { metric, smallestGain, unit, users } = evaluation;
  const { baseline, owner } = charter.spec;
  const outcome = outcomeOf(metric.difference, smallestGain);
  return {
    outcome,
    expected: `at least ${number(smallestGain)} ${unit} more than the baseline "${baseline.name}", ${confident(evaluation)}`,
    found: `${measured(metric.difference)} (baseline ${number(metric.against.estimate)}, these ${number(metric.judged.estimate)}), from ${counted(users, "user")}`,
    next: {
      passed: nothingToDo,
      failed: `Keep the baseline, or let sources learn from more. If the promise was wrong, ${owner} changes the charter, not the evaluation.`,
      inconclusive: `${moreUsers} Or let the owner decide.`,
    }[outcome],
  };
};

const survivesMerge = ({ evaluation, charter }: JudgedLists<SystemEvaluation>): Answer => {
  const { candidate, system, smallestGain, unit, users, survives } = evaluation;
  const own = evaluation.sources.find(({ source }) => source === candidate);
  const expected = `"${system}" to gain at least ${number(smallestGain)} ${unit} by "${candidate}", ${confident(evaluation)}`;
  if (own === undefined) {
    return { outcome: "inconclusive", expected, found: "no lists of it", next: moreUsers };
  }
  const outcome = outcomeOf(own.inside.difference, smallestGain);
  const left = survives === null ? "" : `, ${percent(survives)} of what it gains alone`;
  return {
    outcome,
    expected,
    found: `${measured(own.inside.difference)}${left}; alone it gains ${measured(own.alone.difference)} over "${charter.spec.baseline.name}"; it changes ${percent(own.changed)} of the places of ${counted(users, "user")}`,
    next: {
      passed: nothingToDo,
      failed:
        "What it finds, the system finds without it, or its places cost others theirs. Look at its overlap with the other sources; replace one of them by it instead of adding it, change the weights, or leave it out.",
      inconclusive: `${moreUsers} Or give it another weight, and judge that on users who were not looked at.`,
    }[outcome],
  };
};

const enoughData = ({ evaluation, minUsers }: JudgedLists<Common>): Answer => {
  const enough = evaluation.users >= minUsers;
  return {
    outcome: enough ? "passed" : "inconclusive",
    expected: `at least ${counted(minUsers, "user")} who liked something new in the test part`,
    found: whole(evaluation.users),
    next: enough ? nothingToDo : moreUsers,
  };
};

const noLeakage =
  <E extends Common>(propertyOf: (evaluation: E) => ListProperty | undefined) =>
  ({ evaluation, suspiciousQuality }: JudgedLists<E>): Answer => {
    const expected = `no place with an item that the user had met, and a quality below ${suspiciousQuality}`;
    const quality = propertyOf(evaluation)?.judged.estimate ?? 0;
    const found = `${counted(evaluation.metShown, "place")} with one, and a quality of ${number(quality)}`;
    if (quality >= suspiciousQuality) {
      return {
        outcome: "failed",
        expected,
        found,
        next: "This is more often a leak than a recommender: look for test interactions among those that a source learnt from.",
      };
    }
    return evaluation.metShown > 0
      ? {
          outcome: "failed",
          expected,
          found,
          next: "These places are wasted, and tell that the lists do not know what users had met by the cut: leave it out where lists are made.",
        }
      : { outcome: "passed", expected, found, next: nothingToDo };
  };

/** The gates of lists against the baseline. */
export const listGates: ReadonlyArray<Verdict.Gate<JudgedLists<ListEvaluation>>> = [
  { name: "beats the baseline", check: beatsBaseline },
  { name: "no leakage suspected", check: noLeakage(({ metric }) => metric) },
  { name: "enough data", check: enoughData },
  { name: "charter in force", check: inForce },
];

/** The gates of a candidate inside a system. */
export const systemGates: ReadonlyArray<Verdict.Gate<JudgedLists<SystemEvaluation>>> = [
  { name: "gain survives the merge", check: survivesMerge },
  {
    name: "no leakage suspected",
    check: noLeakage(({ sources }) => sources[0]?.inside),
  },
  { name: "enough data", check: enoughData },
  { name: "charter in force", check: inForce },
];

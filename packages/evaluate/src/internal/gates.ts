/** The gates that a charter implies: each with the numbers, their units and what to do next. */
import { Charter, type Verdict } from "@ml-pipe/core";
import { Words } from "@ml-pipe/data";
import type {
  ClassificationEvaluation,
  Evaluation,
  Judgement,
  RegressionEvaluation,
} from "../Evaluation.ts";
import type { Audit } from "../LeakageAudit.ts";
import { suspiciousFeatureAuc } from "./leakage.ts";

const { counted, number, percent, whole } = Words;

/** What the gates judge. */
export interface Judged<E extends Judgement = Judgement> {
  readonly evaluation: E;
  readonly audit: Audit;
  readonly charter: Pick<Charter.Charter, "spec">;
  readonly now: Date;
}

type Answer = ReturnType<Verdict.Gate<Judged>["check"]>;

const nothingToDo = "Nothing to do.";

/** `6,000 decisions on 30 days`, `400 decisions about 80 groups`, `400 decisions`. */
const decisionsOn = ({ rows, blocks }: Judgement): string =>
  `${counted(rows, "decision")}${onBlocks(blocks)}`;

const onBlocks = ({ by, count }: Judgement["blocks"]): string =>
  by === "row" ? "" : ` ${prepositions[by]} ${counted(count, by)}`;

const prepositions = { day: "on", group: "about" } as const;

/** Where more of them come from. */
const onMore = {
  day: "on a longer period",
  group: "on more groups",
  row: "on more rows",
} as const;

const beatsBaseline = ({ evaluation, charter }: Judged): Answer => {
  const { gain, unit, smallestGain, level } = evaluation;
  const { baseline, owner } = charter.spec;
  const { correctedFor, nominalLevel } = evaluation.holdout;
  const corrected =
    correctedFor === 1
      ? ""
      : ` (${percent(nominalLevel)} for ${correctedFor} looks at these test rows together)`;
  const expected = `to save at least ${number(smallestGain)} ${unit} over the baseline "${baseline.name}", with ${percent(level)} confidence${corrected}`;
  const saved = `${number(gain.estimate)} ${unit} (baseline ${number(evaluation.cost.baseline.estimate)}, model ${number(evaluation.cost.model.estimate)})`;
  const on = decisionsOn(evaluation);
  const { interval } = gain;
  if (interval === null) {
    return {
      outcome: "inconclusive",
      expected,
      found: `${saved} on ${on}, which do not say how much it varies`,
      next: `Judge on two ${evaluation.blocks.by}s at the very least, better thirty: move the cuts of the split.`,
    };
  }
  const found = `${saved}, ${percent(level)} interval ${number(interval.lower)} to ${number(interval.upper)}, from ${on}`;
  if (interval.lower >= smallestGain) {
    return { outcome: "passed", expected, found, next: nothingToDo };
  }
  if (interval.upper < smallestGain) {
    return {
      outcome: "failed",
      expected,
      found,
      next: `Keep the baseline. Look at the slices and the cost curve for where the model loses, add a feature known at the decision or more training data, and evaluate again; if the promise was wrong, ${owner} changes the charter, not the evaluation.`,
    };
  }
  return { outcome: "inconclusive", expected, found, next: moreData(evaluation, interval) };
};

/** An interval narrows with the square root of the number of blocks: how many would settle it. */
const moreData = (
  { gain, smallestGain, blocks, rows }: Judgement,
  interval: { readonly lower: number; readonly upper: number },
): string => {
  const above = gain.estimate >= smallestGain;
  const reach = above ? gain.estimate - interval.lower : interval.upper - gain.estimate;
  const distance = Math.abs(gain.estimate - smallestGain);
  const factor = distance === 0 ? Infinity : (reach / distance) ** 2;
  const { by, count } = blocks;
  const needed = Math.ceil(count * factor);
  const side = above ? "pass" : "fail";
  if (!(factor < 100)) {
    return "The gain is so near to the smallest gain that more data will not settle it: improve the model, or let the owner decide.";
  }
  const inRows = by === "row" ? "" : ` (${whole((rows / count) * needed)} rows)`;
  return `If the gain stays as it is, about ${counted(needed, by)}${inRows} instead of ${whole(count)} would make it ${side}: test ${onMore[by]}, or let the owner decide.`;
};

/** `few`: too few rows for the error to prove anything. */
const calibrated = (
  {
    calibrationError,
    reliability,
    rows,
  }: Pick<Evaluation, "calibrationError" | "reliability" | "rows">,
  {
    maxCalibrationError,
    few,
    right,
  }: { readonly maxCalibrationError: number; readonly few: boolean; readonly right: string },
): Answer => {
  const expected = `an expected calibration error of at most ${number(maxCalibrationError)}`;
  const worst = reliability.toSorted((a, b) => gapOf(b) * b.count - gapOf(a) * a.count)[0];
  const where =
    worst === undefined
      ? ""
      : `; largest share from the ${counted(worst.count, "row")} given ${number(worst.meanProbability)} on average, of which ${number(worst.observedRate)} were ${right}`;
  const found = `${number(calibrationError)} over ${counted(rows, "row")}${where}`;
  if (calibrationError <= maxCalibrationError) {
    return { outcome: "passed", expected, found, next: nothingToDo };
  }
  // The error is biased upwards on few rows.
  return {
    outcome: few ? "inconclusive" : "failed",
    expected,
    found,
    next: few
      ? "Few rows make this error large by chance: evaluate on more rows."
      : "What is decided is only the cheapest for calibrated probabilities: train with log loss and without class weights, check that train and test periods have the same base rate, or recalibrate on the validation part.",
  };
};

const gapOf = (bin: Evaluation["reliability"][number]): number =>
  Math.abs(bin.meanProbability - bin.observedRate);

/** What is too good to be true of a model, and what no score can be had from. */
interface TooGood {
  /** Such as `ROC AUC`. */
  readonly score: string;
  readonly value: number | null;
  readonly limit: number;
  readonly suspect: Evaluation["suspect"];
  readonly expected: string;
  /** Why there is no value, and what to do then. */
  readonly without: { readonly found: string; readonly next: string };
}

const noLeakage = (
  audit: Audit,
  { score, value, limit, suspect, expected, without }: TooGood,
): Answer => {
  const suspects = audit.results.filter(({ outcome }) => outcome === "suspected");
  const notRun = audit.results.filter(({ outcome }) => outcome === "not-run");
  const model = value === null ? [] : [`${score} ${number(value)}${culpritOf(suspect)}`];
  if (value !== null && (value >= limit || suspect !== null)) {
    return {
      outcome: "failed",
      expected,
      found: [...model, ...suspects.map(({ found }) => found)].join("; "),
      next:
        suspect === null
          ? (suspects[0]?.next ??
            "This is more often a leak than a model: look for test rows that are also in the training data, and for a feature computed after the decision.")
          : `The model probably sees the outcome: find out when "${suspect.feature}" is known. If only after the decision, mark its column availableAt "outcome" and remove the feature, or take its history. If it really is known at the decision, the task needs no model: use "${suspect.feature}" as a rule.`,
    };
  }
  if (suspects.length > 0) {
    return {
      outcome: "failed",
      expected,
      found: [...model, ...suspects.map(({ kind, found }) => `${kind} ${found}`)].join("; "),
      next: suspects.map(({ next }) => next).join(" "),
    };
  }
  if (value === null) return { outcome: "inconclusive", expected, ...without };
  if (notRun.length > 0) {
    return {
      outcome: "inconclusive",
      expected,
      found: [
        ...model,
        ...notRun.map(({ check, found }) => `${check} could not look: ${found}`),
      ].join("; "),
      next: notRun.map(({ next }) => next).join(" "),
    };
  }
  // Repeated use is said where the intervals are.
  const noted = audit.results.filter(
    ({ outcome, kind }) => outcome === "noted" && kind !== "R",
  ).length;
  const more = noted === 0 ? "" : `, ${counted(noted, "thing")} to look at`;
  return { outcome: "passed", expected, found: `${model.join()}${more}`, next: nothingToDo };
};

const culpritOf = (suspect: Evaluation["suspect"]): string =>
  suspect === null
    ? ""
    : `; the feature "${suspect.feature}" alone reaches ${number(suspect.rocAuc)} and holds ${percent(suspect.share)} of the importance`;

const smallerClass = ({ positives, rows }: Evaluation): number =>
  Math.min(positives, rows - positives);

/** `rows` is what must be there beside the blocks, and what is. */
const enoughData = (
  { blocks }: Judgement,
  minBlocks: number,
  rows: { readonly enough: boolean; readonly expected: string; readonly found: string },
): Answer => {
  const least = Math.max(2, minBlocks);
  const enough = rows.enough && blocks.count >= least;
  return {
    outcome: enough ? "passed" : "inconclusive",
    expected: `at least ${rows.expected}${atLeast(blocks.by, least)}`,
    found: `${rows.found}${onBlocks(blocks)}`,
    next: enough
      ? nothingToDo
      : `Evaluate ${onMore[blocks.by]}: move the cuts of the split, or ingest more.`,
  };
};

const atLeast = (by: Evaluation["blocks"]["by"], least: number): string =>
  by === "row" ? "" : ` ${prepositions[by]} at least ${whole(least)} ${by}s`;

/** Whether the charter still holds. */
export const inForce = ({ charter, now }: Pick<Judged, "charter" | "now">): Answer => {
  const { kill, owner } = charter.spec;
  const expired = Charter.isExpired(charter, now);
  const on = kill.on.toISOString().slice(0, 10);
  return {
    outcome: expired ? "failed" : "passed",
    expected: "a charter that is in force",
    found: expired ? `that it ended on ${on} (${kill.criterion})` : `that it ends on ${on}`,
    next: expired
      ? `${owner} reviews the criterion and sets a new kill date, or stops the project.`
      : nothingToDo,
  };
};

/**
 * The gates of a model that is the baseline itself: it gains and loses nothing, so that a project can walk the
 * whole path to a release with what is done today. A verdict on it says so.
 */
export const baselineGates: ReadonlyArray<Verdict.Gate<Judged>> = [
  {
    name: "is the baseline",
    check: ({ charter }) => ({
      outcome: "passed",
      expected: `a model, or what is done today: "${charter.spec.baseline.name}"`,
      found: "the baseline itself, which gains nothing and loses nothing",
      next: "Train a model that beats it, and take it along the same path.",
    }),
  },
  { name: "charter in force", check: inForce },
];

/** What the gates of decisions go by. */
export interface DecisionLimits {
  readonly maxCalibrationError: number;
  readonly minPerClass: number;
  readonly minBlocks: number;
  readonly suspiciousAuc: number;
}

/** All gates of decisions, in the order in which they are read. */
export const decisionGates = ({
  maxCalibrationError,
  minPerClass,
  minBlocks,
  suspiciousAuc,
}: DecisionLimits): ReadonlyArray<Verdict.Gate<Judged<Evaluation>>> => [
  { name: "beats the baseline", check: beatsBaseline },
  {
    name: "calibrated",
    check: ({ evaluation }) =>
      calibrated(evaluation, {
        maxCalibrationError,
        few: smallerClass(evaluation) < minPerClass,
        right: "positive",
      }),
  },
  {
    name: "no leakage suspected",
    check: ({ evaluation, audit }) =>
      noLeakage(audit, {
        score: "ROC AUC",
        value: evaluation.rocAuc,
        limit: suspiciousAuc,
        suspect: evaluation.suspect,
        expected: `a ROC AUC below ${suspiciousAuc}, no single feature that nearly tells the outcome (ROC AUC ${suspiciousFeatureAuc} alone), and no other leak`,
        without: {
          found: "no ROC AUC, because the test rows are all of one class",
          next: "Evaluate on rows in which both outcomes occur.",
        },
      }),
  },
  {
    name: "enough data",
    check: ({ evaluation }) => {
      const { positives, rows } = evaluation;
      return enoughData(evaluation, minBlocks, {
        enough: smallerClass(evaluation) >= minPerClass,
        expected: `${counted(minPerClass, "row")} of each outcome`,
        found: `${whole(positives)} positive and ${whole(rows - positives)} negative`,
      });
    },
  },
  { name: "charter in force", check: inForce },
];

/** What the gates of predicted numbers go by. */
export interface NumberLimits {
  readonly minRows: number;
  readonly minBlocks: number;
  readonly suspiciousR2: number;
}

/** All gates of predicted numbers, in the order in which they are read. */
export const numberGates = ({
  minRows,
  minBlocks,
  suspiciousR2,
}: NumberLimits): ReadonlyArray<Verdict.Gate<Judged<RegressionEvaluation>>> => [
  { name: "beats the baseline", check: beatsBaseline },
  {
    name: "no leakage suspected",
    check: ({ evaluation, audit }) =>
      noLeakage(audit, {
        score: "R²",
        value: evaluation.errors.r2?.estimate ?? null,
        limit: suspiciousR2,
        suspect: null,
        expected: `an R² below ${suspiciousR2}, and no leak`,
        without: {
          found: "no R², because the numbers of the test rows are all the same",
          next: "Evaluate on rows in which the number differs.",
        },
      }),
  },
  {
    name: "enough data",
    check: ({ evaluation }) =>
      enoughData(evaluation, minBlocks, {
        enough: evaluation.rows >= minRows,
        expected: counted(minRows, "row"),
        found: counted(evaluation.rows, "row"),
      }),
  },
  { name: "charter in force", check: inForce },
];

/** What the gates of choices among classes go by. */
export interface ClassLimits {
  readonly maxCalibrationError: number;
  readonly minPerClass: number;
  readonly minBlocks: number;
  readonly suspiciousAuc: number;
}

/** All gates of choices among classes, in the order in which they are read. */
export const classGates = ({
  maxCalibrationError,
  minPerClass,
  minBlocks,
  suspiciousAuc,
}: ClassLimits): ReadonlyArray<Verdict.Gate<Judged<ClassificationEvaluation>>> => [
  { name: "beats the baseline", check: beatsBaseline },
  {
    name: "calibrated",
    check: ({ evaluation }) =>
      calibrated(evaluation, {
        maxCalibrationError,
        few: rarest(evaluation).rows < minPerClass,
        right: "right",
      }),
  },
  {
    name: "no leakage suspected",
    check: ({ evaluation, audit }) =>
      noLeakage(audit, {
        score: "mean ROC AUC",
        value: evaluation.rocAuc,
        limit: suspiciousAuc,
        suspect: null,
        expected: `a mean ROC AUC of the classes below ${suspiciousAuc}, and no leak`,
        without: {
          found: "no ROC AUC, because the test rows are all of one class",
          next: "Evaluate on rows in which several classes occur.",
        },
      }),
  },
  {
    name: "enough data",
    check: ({ evaluation }) => {
      const { class: name, rows } = rarest(evaluation);
      return enoughData(evaluation, minBlocks, {
        enough: rows >= minPerClass,
        expected: `${counted(minPerClass, "row")} of each of ${counted(evaluation.classes.length, "class", "classes")}`,
        found: `${counted(rows, "row")} of the rarest, "${name}"`,
      });
    },
  },
  { name: "charter in force", check: inForce },
];

const rarest = ({
  perClass,
}: ClassificationEvaluation): { readonly class: string; readonly rows: number } =>
  perClass.reduce(
    (least, one) => (one.rows < least.rows ? one : least),
    perClass[0] ?? { class: "", rows: 0 },
  );

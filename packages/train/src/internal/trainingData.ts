/**
 * What all fit functions take, and how it is checked before anything is computed.
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";

/** A numeric column; `NaN` means missing. */
export type Column = Float64Array | Float32Array;

/** Rows with known labels. */
export interface LabelledColumns {
  /** One column per feature, in the order of `featureNames`, all of one length. */
  readonly columns: ReadonlyArray<Column>;
  /** One label per row: 0 or 1 for classification, any finite number for regression. */
  readonly labels: Float64Array | Uint8Array;
}

/** The input of a fit function; `columns` and `labels` are the training rows. */
export interface TrainingData extends LabelledColumns {
  readonly featureNames: ReadonlyArray<string>;
  /** Weight of each row, not negative; without it every row weighs 1. */
  readonly weights?: Float64Array | Float32Array;
  /** Rows held out to measure the model while it trains. Never used to fit. */
  readonly validation?: LabelledColumns;
}

/** One fault of the input: what was found, where, and what to do next. */
export const TrainingProblem = Schema.Struct({
  what: Schema.String,
  where: Schema.String,
  next: Schema.String,
});
/** See {@link TrainingProblem}. */
export type TrainingProblem = typeof TrainingProblem.Type;

/**
 * Training could not start, or did not finish. `problems` lists every fault found; `what`, `where` and
 * `next` are those of the first. Reasons: `data` (the input), `options`, `size` (more than this
 * machine's fit can address), `worker` (a training thread failed), `numeric` (no finite solution).
 */
export class TrainingError extends Schema.TaggedError<TrainingError>()("TrainingError", {
  reason: Schema.Literals(["data", "options", "size", "worker", "numeric"]),
  what: Schema.String,
  where: Schema.String,
  next: Schema.String,
  problems: Schema.Array(TrainingProblem),
}) {
  override get message(): string {
    const more = this.problems.length > 1 ? ` (and ${this.problems.length - 1} more)` : "";
    return `cannot train: ${this.what} (${this.where})${more}. ${this.next}`;
  }
}

/** An error from all the problems of one kind; there must be at least one. */
export const trainingError = (
  reason: TrainingError["reason"],
  problems: readonly [TrainingProblem, ...ReadonlyArray<TrainingProblem>],
): TrainingError => new TrainingError({ reason, ...problems[0], problems });

/** Fails with all the problems, if any. */
export const failOn = (
  reason: TrainingError["reason"],
  problems: ReadonlyArray<TrainingProblem>,
): Effect.Effect<void, TrainingError> => {
  const [first, ...rest] = problems;
  return first === undefined ? Effect.void : Effect.fail(trainingError(reason, [first, ...rest]));
};

type Report = (what: string, where: string, next: string) => void;

const checkLabels = (
  labels: Float64Array | Uint8Array,
  binary: boolean,
  part: string,
  report: Report,
): void => {
  let positive = 0;
  for (let i = 0; i < labels.length; i++) {
    const y = labels[i]!;
    if (binary ? y !== 0 && y !== 1 : !Number.isFinite(y)) {
      report(
        `label ${y} is not ${binary ? "0 or 1" : "a finite number"}`,
        `${part} label, row ${i}`,
        "Drop or quarantine rows without a proper label before training.",
      );
      return;
    }
    positive += y;
  }
  if (part !== "training" || labels.length === 0) return;
  if (binary && (positive === 0 || positive === labels.length)) {
    report(
      `all ${labels.length} labels are ${positive === 0 ? 0 : 1}`,
      "training label",
      "Training needs rows of both classes: check the label's definition and the split.",
    );
  } else if (!binary && labels.every((y) => y === labels[0])) {
    report(
      `all ${labels.length} labels are ${labels[0]}`,
      "training label",
      "There is nothing to learn from a constant label: check the label's definition.",
    );
  }
};

const checkWeights = (weights: Column, rows: number, report: Report): void => {
  const next = "Give one finite weight of at least 0 per row, and not all of them 0.";
  if (weights.length !== rows) {
    return report(`${weights.length} weights for ${rows} rows`, "weights", next);
  }
  let sum = 0;
  for (let i = 0; i < rows; i++) {
    const w = weights[i]!;
    if (!(w >= 0 && w < Number.POSITIVE_INFINITY)) {
      return report(`weight ${w}`, `weights, row ${i}`, next);
    }
    sum += w;
  }
  if (sum === 0 && rows > 0) report("all weights are 0", "weights", next);
};

const firstInfinite = (column: Column): number => {
  for (let i = 0; i < column.length; i++) {
    const x = column[i]!;
    // x − x is NaN for ±∞ and for NaN.
    if (x - x !== 0 && x === x) return i;
  }
  return -1;
};

/**
 * Checks everything about the data that a fit relies on and fails with all faults together; lets other
 * fibres run between columns. Infinite features are a fault: they come from a division by zero
 * or an overflow upstream, and no linear model can use them.
 */
export const checkTrainingData: (
  data: TrainingData,
  options: { readonly binary: boolean },
) => Effect.Effect<void, TrainingError> = Effect.fnUntraced(function* (data, { binary }) {
  const problems: Array<TrainingProblem> = [];
  const report: Report = (what, where, next) => problems.push({ what, where, next });
  const { featureNames } = data;

  if (featureNames.length === 0) {
    report("no features", "featureNames", "Name at least one feature to train on.");
  }
  const seen = new Set<string>();
  for (const name of featureNames) {
    if (seen.has(name)) {
      report("a feature is named twice", `feature "${name}"`, "Give every feature its own name.");
    }
    seen.add(name);
  }

  const parts: ReadonlyArray<readonly [string, LabelledColumns]> = [
    ["training", data],
    ...(data.validation === undefined ? [] : [["validation", data.validation] as const]),
  ];
  for (const [part, { columns, labels }] of parts) {
    if (labels.length === 0) {
      report("no rows", `${part} data`, "Check the source, the filters and the split upstream.");
    }
    if (columns.length !== featureNames.length) {
      report(
        `${columns.length} columns for ${featureNames.length} feature names`,
        `${part} columns`,
        "Give one column per feature, in the order of the names.",
      );
    }
    checkLabels(labels, binary, part, report);
    for (const [j, column] of columns.entries()) {
      const where = `${part} feature "${featureNames[j] ?? j}"`;
      if (column.length !== labels.length) {
        report(
          `${column.length} values for ${labels.length} labels`,
          where,
          "Give columns and labels of the same rows.",
        );
      }
      const row = firstInfinite(column);
      if (row >= 0) {
        report(
          `the value is ${column[row]}`,
          `${where}, row ${row}`,
          "Find the division by zero or overflow that made it, or make it missing (NaN).",
        );
      }
      yield* Effect.yieldNow;
    }
  }
  if (data.weights !== undefined) checkWeights(data.weights, data.labels.length, report);
  yield* failOn("data", problems);
});

/** A check of one numeric option. */
export interface OptionRule {
  readonly name: string;
  readonly value: number;
  readonly min: number;
  readonly max?: number;
  readonly integer?: boolean;
  /** `min` itself is not allowed. */
  readonly above?: boolean;
}

/** Fails with every option that is out of its range. */
export const checkOptions = (
  rules: ReadonlyArray<OptionRule>,
): Effect.Effect<void, TrainingError> =>
  failOn(
    "options",
    rules.flatMap(({ name, value, min, max = Number.POSITIVE_INFINITY, integer, above }) => {
      const ok =
        value <= max &&
        (above === true ? value > min : value >= min) &&
        (integer !== true || Number.isInteger(value) || value === Number.POSITIVE_INFINITY);
      if (ok) return [];
      const kind = integer === true ? "a whole number" : "a number";
      const upper = max === Number.POSITIVE_INFINITY ? "" : ` and at most ${max}`;
      const lower = above === true ? `above ${min}` : `of at least ${min}`;
      return [{ what: `${value}`, where: `option ${name}`, next: `Use ${kind} ${lower}${upper}.` }];
    }),
  );

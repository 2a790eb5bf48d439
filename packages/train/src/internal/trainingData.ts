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
  /**
   * One label per row: 0 or 1 for two classes, the number of the class, from 0, for several, how relevant
   * a row is (0, 1, 2 … 31) for ranking, any finite number for regression, at least 0 for counts.
   */
  readonly labels: Float64Array | Uint8Array;
  /** Weight of each row, not negative; without it every row weighs 1. A row of weight 0 is as good as not there. */
  readonly weights?: Float64Array | Float32Array;
  /** For ranking: the query of each row, as any number. Rows of one query are next to one another. */
  readonly queries?: Float64Array | Int32Array;
}

/** The input of a fit function; `columns` and `labels` are the training rows. */
export interface TrainingData extends LabelledColumns {
  readonly featureNames: ReadonlyArray<string>;
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

/** What labels mean. */
export type LabelKind = "binary" | "class" | "number" | "count" | "relevance";

/** The largest relevance: gains of 2^31 and more could not be told apart. */
export const largestRelevance = 31;
/** The most classes: each is a tree a round. */
const maximumClasses = 1000;

const labelRules: {
  readonly [K in LabelKind]: { readonly is: (y: number) => boolean; readonly words: string };
} = {
  binary: { is: (y) => y === 0 || y === 1, words: "0 or 1" },
  class: {
    is: (y) => Number.isInteger(y) && y >= 0 && y < maximumClasses,
    words: `the number of a class, 0 to ${maximumClasses - 1}`,
  },
  number: { is: Number.isFinite, words: "a finite number" },
  count: { is: (y) => y >= 0 && y < Number.POSITIVE_INFINITY, words: "a number of at least 0" },
  relevance: {
    is: (y) => Number.isInteger(y) && y >= 0 && y <= largestRelevance,
    words: `a whole number from 0 to ${largestRelevance}`,
  },
};

const checkLabels = (
  data: LabelledColumns,
  kind: LabelKind,
  part: string,
  report: Report,
): void => {
  const { labels, weights, queries } = data;
  const { is, words } = labelRules[kind];
  const seen = new Set<number>();
  for (let i = 0; i < labels.length; i++) {
    const y = labels[i]!;
    if (!is(y)) {
      report(
        `label ${y} is not ${words}`,
        `${part} label, row ${i}`,
        "Drop or quarantine rows without a proper label before training.",
      );
      return;
    }
    // Of numbers two are enough to know that they vary.
    if (weights?.[i] !== 0 && (kind === "class" || seen.size < 2)) seen.add(y);
  }
  const [first] = seen;
  if (kind === "relevance") return checkQueries(labels, queries, part, report);
  if (part !== "training" || first === undefined) return;
  if (seen.size === 1) {
    const all =
      weights === undefined ? `all ${labels.length} labels` : "all labels of rows with weight";
    report(
      `${all} are ${first}`,
      "training label",
      kind === "binary" || kind === "class"
        ? "Training needs rows of both classes: check the label's definition and the split."
        : "There is nothing to learn from a constant label: check the label's definition.",
    );
  } else if (kind === "class") {
    const missing = Array.from({ length: Math.max(...seen) }, (_, k) => k).find(
      (k) => !seen.has(k),
    );
    if (missing === undefined) return;
    report(
      `no row has class ${missing}`,
      "training label",
      "Number the classes of the training rows from 0 without a gap.",
    );
  }
};

/** Every class of the validation rows is one of the training rows. */
const checkClasses = (
  training: LabelledColumns["labels"],
  validation: LabelledColumns["labels"],
  report: Report,
): void => {
  const known = new Set<number>(training);
  const row = validation.findIndex((y) => !known.has(y));
  if (row < 0) return;
  report(
    `no training row has class ${validation[row]}`,
    `validation label, row ${row}`,
    "Split so that every class is in the training rows, or leave out rows of a class that is too rare.",
  );
};

const checkQueries = (
  labels: Float64Array | Uint8Array,
  queries: LabelledColumns["queries"],
  part: string,
  report: Report,
): void => {
  const where = `${part} queries`;
  if (queries === undefined) {
    return report("no queries", where, "Say in queries which rows are ranked against one another.");
  }
  if (queries.length !== labels.length) {
    const what = `${queries.length} queries for ${labels.length} labels`;
    return report(what, where, "Give the query of each row.");
  }
  const seen = new Set<number>();
  let differ = false;
  for (let i = 0; i < queries.length; i++) {
    if (i > 0 && queries[i] === queries[i - 1]) {
      differ ||= labels[i] !== labels[i - 1];
      continue;
    }
    if (seen.has(queries[i]!)) {
      const what = `query ${queries[i]} is in two places`;
      return report(what, `${where}, row ${i}`, "Sort the rows by query.");
    }
    seen.add(queries[i]!);
  }
  if (labels.length > 0 && !differ) {
    report(
      "all rows of each query have the same label",
      where,
      "There is no order to learn: check the label and the query.",
    );
  }
};

const checkWeights = (weights: Column, rows: number, where: string, report: Report): void => {
  const next = "Give one finite weight of at least 0 per row, and not all of them 0.";
  if (weights.length !== rows) {
    return report(`${weights.length} weights for ${rows} rows`, where, next);
  }
  let sum = 0;
  for (let i = 0; i < rows; i++) {
    const w = weights[i]!;
    if (!(w >= 0 && w < Number.POSITIVE_INFINITY)) {
      return report(`weight ${w}`, `${where}, row ${i}`, next);
    }
    sum += w;
  }
  if (sum === 0 && rows > 0) report("all weights are 0", where, next);
};

const firstInfinite = (column: Column): number => {
  for (let i = 0; i < column.length; i++) {
    const x = column[i]!;
    // x − x is NaN for ±∞ and for NaN.
    if (x - x !== 0 && x === x) return i;
  }
  return -1;
};

/** Features with an infinite value, each by its first. */
export const infiniteIn = (
  part: string,
  featureNames: ReadonlyArray<string>,
  columns: ReadonlyArray<Column>,
): ReadonlyArray<TrainingProblem> =>
  columns.flatMap((column, j) => {
    const row = firstInfinite(column);
    return row < 0
      ? []
      : [
          {
            what: `the value is ${column[row]}`,
            where: `${part} feature "${featureNames[j]}", row ${row}`,
            next: "Find the division by zero or overflow that made it, or make it missing (NaN).",
          },
        ];
  });

/**
 * Checks everything about the data that a fit relies on and fails with all faults together; lets other
 * fibres run between columns. Infinite features are a fault: they come from a division by zero
 * or an overflow upstream, and no linear model can use them.
 */
export const checkTrainingData: (
  data: TrainingData,
  kind: LabelKind,
) => Effect.Effect<void, TrainingError> = Effect.fnUntraced(function* (data, kind) {
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
  if (kind === "class" && data.validation !== undefined) {
    checkClasses(data.labels, data.validation.labels, report);
  }
  for (const [part, labelled] of parts) {
    const { columns, labels, weights } = labelled;
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
    checkLabels(labelled, kind, part, report);
    for (const [j, column] of columns.entries()) {
      const where = `${part} feature "${featureNames[j] ?? j}"`;
      if (column.length !== labels.length) {
        report(
          `${column.length} values for ${labels.length} labels`,
          where,
          "Give columns and labels of the same rows.",
        );
      }
      problems.push(...infiniteIn(part, [featureNames[j] ?? String(j)], [column]));
      yield* Effect.yieldNow;
    }
    if (weights !== undefined) {
      const where = part === "training" ? "weights" : `${part} weights`;
      checkWeights(weights, labels.length, where, report);
    }
  }
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

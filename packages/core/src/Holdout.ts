/**
 * The holdout ledger: every look at a test set, by its rows, across runs and pipelines.
 *
 * A model that was chosen after a look at the test rows looks better on them than it is. So the first
 * look is free, and each further model that is judged on the same rows must be announced with a reason
 * and widens the intervals. The ledger is part of the {@link Store} and outlives the runs in it.
 */
import * as Schema from "effect/Schema";
import * as Digest from "./Digest.ts";
import { stops } from "./internal/marks.ts";

/**
 * What became of a look. `open`: it began, and nobody recorded its end, so that somebody may have seen
 * something: it counts. `nothing-seen`: it failed before there was a number; it does not count.
 */
export const LookOutcome = Schema.Literals([
  "open",
  "passed",
  "rejected",
  "inconclusive",
  "nothing-seen",
]);
/** See {@link LookOutcome}. */
export type LookOutcome = typeof LookOutcome.Type;

/** One model judged on one test set. */
export const Look = Schema.Struct({
  id: Schema.Int,
  /** Digest of the rows, whatever their order, their features and the split that chose them. */
  testSet: Digest.Digest,
  rows: Schema.Int,
  /** Digest of the table's bytes. */
  table: Digest.Digest,
  split: Schema.NullOr(Schema.String),
  featureSet: Schema.String,
  model: Digest.Digest,
  /** What for, in words. */
  purpose: Schema.String,
  at: Schema.DateFromString,
  /** Absent where the stage was run by itself, outside an engine. */
  run: Schema.optionalKey(Schema.String),
  pipeline: Schema.optionalKey(Schema.String),
  stage: Schema.optionalKey(Schema.String),
  /** Who started the run, as far as is known. */
  by: Schema.optionalKey(Schema.String),
  /** 1 for the first model that was judged on these rows, 2 for the next other one … */
  number: Schema.Int,
  /** The number of looks that the intervals are corrected for. */
  correctedFor: Schema.Int,
  /** Confidence level that was asked for. */
  nominalLevel: Schema.Finite,
  /** Confidence level after the correction: what the intervals have. */
  level: Schema.Finite,
  /** Why these rows were looked at more than once. */
  justification: Schema.optionalKey(Schema.String),
  outcome: LookOutcome,
});
/** See {@link Look}. */
export type Look = typeof Look.Type;

/** The rows of a test set, as they are recognised again under other features or another split. */
export interface TestSet {
  readonly digest: Digest.Digest;
  /** Name of the contract that the rows come from: only rows of one are compared. */
  readonly contract: string;
  /** The columns by which rows are recognised, as one text. */
  readonly identity: string;
  readonly rows: number;
  /** The smallest hashes of its different rows, ascending, as 16 hexadecimal digits each. */
  readonly sample: ReadonlyArray<string>;
}

/** Most hashes in {@link TestSet.sample}: a share estimated from them is off by 1.6 % (standard error). */
export const sampleSize = 1024;

/**
 * The share of the rows of `of` that are also in `other`, 0 to 1, estimated from the smallest hashes of
 * both (k minimum values: Beyer et al., SIGMOD 2007, section 5). Exact for at most {@link sampleSize}
 * different rows.
 *
 * @example
 * ```ts
 * import { Digest, Holdout } from "@ml-pipe/core";
 *
 * const part = (sample: ReadonlyArray<string>): Holdout.TestSet => ({
 *   digest: Digest.ofJson(sample), contract: "trip", identity: "at", rows: sample.length, sample,
 * });
 * const share: number = Holdout.sharedRows({ of: part(["01", "02"]), other: part(["02", "03"]) }); // 0.5
 * ```
 */
export const sharedRows = ({
  of,
  other,
}: {
  readonly of: TestSet;
  readonly other: TestSet;
}): number => {
  if (of.digest === other.digest) return 1;
  const reach = [of, other].flatMap(({ sample }) =>
    sample.length < sampleSize ? [] : [sample.at(-1) ?? ""],
  );
  // Beyond the last hash of a full sample, nothing is known.
  const compared = of.sample.filter((hash) => reach.every((last) => hash <= last));
  if (compared.length === 0) return 0;
  const there = new Set(other.sample);
  return compared.filter((hash) => there.has(hash)).length / compared.length;
};

/** From this share of common rows on, a test set is one that was looked at before. */
export const sameFrom = 0.5;

/**
 * The confidence level of each of several intervals so that all of them hold together at `level`:
 * `1 - (1 - level) / looks` (Bonferroni; Dunn, JASA 56(293), 1961), whatever they have in common.
 *
 * It covers models that were settled before the first look. A model that was changed because of what a
 * look showed can fit the test rows by more than any such correction covers (Dwork et al., Science
 * 349(6248), 2015): then only new rows help.
 *
 * @example
 * ```ts
 * import { Holdout } from "@ml-pipe/core";
 *
 * const level: number = Holdout.correctedLevel(0.95, 2); // 0.975
 * ```
 */
export const correctedLevel = (level: number, looks: number): number => 1 - (1 - level) / looks;

/** Another model was judged on these rows before, and nobody said why this one may be, too. */
export class HoldoutSpent extends Schema.TaggedError<HoldoutSpent>()("HoldoutSpent", {
  testSet: Digest.Digest,
  rows: Schema.Int,
  /** Looks that were announced. */
  announced: Schema.Int,
  /** The looks so far, by other models. */
  before: Schema.Array(Look),
  /** Share of the rows that were looked at before. */
  shared: Schema.Finite,
}) {
  readonly [stops] = true;
  override get message(): string {
    const { announced, before, shared, rows, testSet } = this;
    const models = new Set(before.map(({ model }) => model)).size;
    const share = shared === 1 ? "" : ` (${Math.round(shared * 100)} % of them)`;
    const last = before.at(-1);
    const lines = before.slice(-3).map(({ at, model, pipeline, run, by, outcome }) => {
      const where = [pipeline, run === undefined ? undefined : `run ${run}`, by].filter(Boolean);
      return `  ${at.toISOString().slice(0, 10)} model ${model.slice(0, 15)} ${outcome}${where.length === 0 ? "" : ` (${where.join(", ")})`}`;
    });
    const times = models === 1 ? "one other model" : `${models} other models`;
    return [
      `the ${rows.toLocaleString("en-US")} test rows ${testSet.slice(0, 15)}${share} were already used to judge ${times}, and ${announced === 1 ? "no second look was" : `only ${announced} looks were`} announced:`,
      ...lines,
      "A model chosen after a look at the test rows looks better on them than it is. Compare candidates on the validation part; or test on rows that nobody has seen, such as a later period; or, if it must be these rows, say why:",
      `  Evaluate.decisions(…, { holdout: { looks: ${models + 1}, justification: "…" } })`,
      `The reason is recorded, and intervals widen for ${models + 1} looks.${last?.justification === undefined ? "" : ` The reason given last: "${last.justification}".`} All looks: ml-pipe holdout`,
    ].join("\n");
  }
}

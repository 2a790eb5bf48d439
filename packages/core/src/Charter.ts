/**
 * Charters: why the pipeline exists. The decision it serves and when that is made, the business
 * metric, the baseline to beat, the smallest gain worth shipping, and who answers for it. A charter is
 * a pipeline's first argument, and the gates of its evaluation are derived from it.
 */
import * as Duration from "effect/Duration";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import * as Digest from "./Digest.ts";
import { expectedInstant, instantExists } from "./internal/instant.ts";
import { Metric, problems as metricProblems } from "./Metric.ts";
import { stops } from "./internal/marks.ts";

/**
 * What is done today, or would be done without a model: the thing a model must beat, and the thing
 * that is deployable on the first day. `rule` is data (an expression that a stage package can
 * evaluate), never code.
 */
export const Baseline = Schema.Struct({
  name: Schema.NonEmptyString,
  description: Schema.String,
  rule: Schema.Json,
});
/** See {@link Baseline}. */
export type Baseline = typeof Baseline.Type;

const Positive = Schema.Finite.check(Schema.isGreaterThan(0));

/** What one model may take where it is served. Each is a gate of its evaluation, measured where that runs. */
export const Budgets = Schema.Struct({
  /** Time of one prediction from its features, 99th percentile, in milliseconds. */
  latencyMillis: Schema.optionalKey(Positive),
  /** Size of the stored model. */
  modelBytes: Schema.optionalKey(Positive),
  /** Memory of the loaded model. */
  memoryBytes: Schema.optionalKey(Positive),
});
/** See {@link Budgets}. */
export type Budgets = typeof Budgets.Type;

/** A charter as data: what is stored with runs and verdicts, digested and shown. */
export const CharterSpec = Schema.Struct({
  title: Schema.NonEmptyString,
  decision: Schema.Struct({
    /** What is decided, such as "warn connecting passengers?". */
    question: Schema.String,
    /** The moment of the decision: only what is known then may be a feature. */
    madeAt: Schema.String,
    /** Who or what acts on it. */
    actor: Schema.String,
    /** How long after the decision its outcome is known, in milliseconds. */
    outcomeKnownAfterMs: Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)),
  }),
  metric: Metric,
  baseline: Baseline,
  /** The smallest improvement of the metric over the baseline worth shipping, in its unit. */
  smallestGain: Schema.Finite.check(Schema.isGreaterThan(0)),
  /** Where the prediction meets people: the product surface with its merging, rules and filters. */
  surface: Schema.String,
  guardrails: Schema.Array(Schema.String),
  /** What serving a model may take; an evaluation measures what is named here. */
  budgets: Schema.optionalKey(Budgets),
  /** After this instant nothing is deployed until the charter is renewed. */
  kill: Schema.Struct({ on: Schema.DateFromString, criterion: Schema.String }),
  owner: Schema.NonEmptyString,
  approvers: Schema.Array(Schema.String),
});

/** See {@link CharterSpec}. */
export interface CharterSpec<out M extends Metric = Metric> extends Omit<
  typeof CharterSpec.Type,
  "metric"
> {
  readonly metric: M;
}

/** A charter as authors write it. */
export interface CharterOptions<M extends Metric = Metric> {
  readonly title: string;
  readonly decision: {
    readonly question: string;
    readonly madeAt: string;
    readonly actor: string;
    readonly outcomeKnownAfter: Duration.Input;
  };
  readonly metric: M;
  readonly baseline: Baseline;
  readonly smallestGain: number;
  readonly surface: string;
  readonly guardrails?: ReadonlyArray<string>;
  readonly budgets?: Budgets;
  /** `on`: a date (`2027-06-30`, midnight UTC) or an instant. */
  readonly kill: { readonly on: string; readonly criterion: string };
  readonly owner: string;
  readonly approvers?: ReadonlyArray<string>;
}

/**
 * Why the pipeline exists; see the module.
 *
 * @typeParam M - its metric: a stage that judges decisions takes a charter with decision costs only
 */
export interface Charter<out M extends Metric = Metric> {
  readonly spec: CharterSpec<M>;
  /** The charter as JSON, as it is stored. */
  readonly json: typeof CharterSpec.Encoded;
  readonly digest: Digest.Digest;
}

/** A charter that says something impossible, such as no gain or a date that does not exist. */
export class CharterInvalid extends Schema.TaggedError<CharterInvalid>()("CharterInvalid", {
  title: Schema.String,
  problems: Schema.String,
}) {
  override get message(): string {
    return `the charter "${this.title}" is not valid:\n${this.problems}`;
  }
}

/** The charter's kill date has passed. */
export class CharterExpired extends Schema.TaggedError<CharterExpired>()("CharterExpired", {
  title: Schema.String,
  on: Schema.DateFromString,
  criterion: Schema.String,
  owner: Schema.String,
}) {
  readonly [stops] = true;
  override get message(): string {
    return `the charter "${this.title}" ended on ${this.on.toISOString().slice(0, 10)} (${this.criterion}). Nothing is deployed until ${this.owner} renews it: review the criterion, then set a new kill date.`;
  }
}

/**
 * Makes a charter. Throws {@link CharterInvalid} if it says something impossible: a charter is written
 * by a person in a pipeline file, where a throw points at the line.
 *
 * @example
 * ```ts
 * import { Charter } from "@ml-pipe/core";
 *
 * const charter = Charter.make({
 *   title: "Warn connecting passengers",
 *   decision: {
 *     question: "warn passengers and hold a seat on a later flight?",
 *     madeAt: "departure", actor: "gate agent", outcomeKnownAfter: "1 day",
 *   },
 *   metric: {
 *     name: "expected cost", unit: "USD per flight",
 *     costs: { truePositive: 20, falsePositive: 20, falseNegative: 90, trueNegative: 0 },
 *   },
 *   baseline: { name: "never warn", description: "what happens today", rule: false },
 *   smallestGain: 0.5,
 *   surface: "gate display",
 *   kill: { on: "2027-06-30", criterion: "no measured gain after six months" },
 *   owner: "passenger-care",
 * });
 * ```
 */
export const make = <M extends Metric>(options: CharterOptions<M>): Charter<M> => {
  const { outcomeKnownAfter, ...decision } = options.decision;
  const json = {
    ...options,
    decision: {
      ...decision,
      outcomeKnownAfterMs: Option.match(Duration.fromInput(outcomeKnownAfter), {
        onNone: () => NaN,
        onSome: Duration.toMillis,
      }),
    },
    kill: { ...options.kill, on: instantOf(options.kill.on) },
    guardrails: options.guardrails ?? [],
    approvers: options.approvers ?? [],
  };
  const decoded = Schema.decodeUnknownResult(CharterSpec, { errors: "all" })(json);
  const problems = [
    ...(decoded._tag === "Failure"
      ? [decoded.failure.message]
      : metricProblems(decoded.success.metric)),
    ...(instantExists(json.kill.on)
      ? []
      : [
          `kill.on: expected a date such as 2027-06-30, or ${expectedInstant}; got "${json.kill.on}"`,
        ]),
  ];
  if (decoded._tag === "Failure" || problems.length > 0) {
    throw new CharterInvalid({ title: options.title, problems: problems.join("\n") });
  }
  const spec = { ...decoded.success, metric: options.metric };
  return { spec, json, digest: Digest.ofJson(json) };
};

/** A date is the midnight, UTC, at which it begins. */
const instantOf = (on: string): string => {
  const text = /^\d{4}-\d{2}-\d{2}$/.test(on) ? `${on}T00:00:00Z` : on;
  return instantExists(text) ? new Date(text).toISOString() : text;
};

/**
 * Whether the charter's kill date has passed at `now`: from that instant on, it has.
 *
 * @example
 * ```ts
 * import { Charter } from "@ml-pipe/core";
 *
 * const stillOpen = (charter: Charter.Charter): boolean => !Charter.isExpired(charter, new Date());
 * ```
 */
export const isExpired = (charter: Pick<Charter, "spec">, now: Date): boolean =>
  now.getTime() >= charter.spec.kill.on.getTime();

/**
 * When the decision is made, to be read after "decided": `at departure`, `when the bill is printed`.
 *
 * @example
 * ```ts
 * import { Charter } from "@ml-pipe/core";
 *
 * const text = `decided ${Charter.moment({ madeAt: "departure" })}`; // "decided at departure"
 * ```
 */
export const moment = ({ madeAt }: Pick<CharterSpec["decision"], "madeAt">): string =>
  /^(when|whenever|while|once|as|before|after|at|by|on|in|during|each|every|the|daily|weekly|monthly)\b/i.test(
    madeAt,
  )
    ? madeAt
    : `at ${madeAt}`;

/** Gates that wait for a person: the run suspends, durably, until somebody says yes or no. */
import * as Clock from "effect/Clock";
import * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import * as Digest from "../Digest.ts";
import { type ApprovalVoid, type Ask, check, evidenceDigest } from "../internal/approval.ts";
import { CurrentRun } from "../internal/CurrentRun.ts";
import { suspends } from "../internal/marks.ts";
import { Store, type StoreError } from "../Store.ts";
import { derive, make, type Stage, StageInvalid } from "./make.ts";
import { Reporter } from "./events.ts";

/** Nobody has said anything that counts yet: the run waits. */
export class ApprovalPending extends Schema.TaggedError<ApprovalPending>()("ApprovalPending", {
  run: Schema.String,
  gate: Schema.String,
  approvers: Schema.Array(Schema.String),
  /** Why the newest word does not count, if there is one. */
  void: Schema.optionalKey(Schema.String),
}) {
  readonly [suspends] = true;
  override get message(): string {
    const { run, gate, approvers } = this;
    const earlier = this.void === undefined ? "" : ` (${this.void})`;
    return `"${gate}" waits for ${approvers.join(" or ")}${earlier}. To go on: ml-pipe approve ${run} ${gate} --as NAME --reason "…"`;
  }
}

/**
 * The schema of an approval that counts, for the input of a stage after the gate; `input` is the schema
 * of what the approver was asked for.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 *
 * const Rollout = Schema.Struct({ percent: Schema.Int });
 * const percent = Stage.make("percent", {
 *   input: { approval: Stage.approved(Rollout) },
 *   output: Schema.Int,
 *   run: ({ approval }) => Effect.succeed(approval.input.percent),
 * });
 * ```
 */
export const approved = <I>(
  input: Schema.ConstraintCodec<I, unknown>,
): Schema.ConstraintCodec<Approved<I>, unknown> =>
  Schema.Struct({
    gate: Schema.String,
    /** Digest of the evidence that was approved. */
    evidence: Digest.Digest,
    author: Schema.optionalKey(Schema.String),
    approver: Schema.String,
    reason: Schema.String,
    at: Schema.DateFromString,
    expiresAt: Schema.DateFromString,
    input,
  }).annotate({ title: "Approved" });

/** An approval that counts, as the stages after the gate get it. */
export interface Approved<out I = null> {
  readonly gate: string;
  readonly evidence: Digest.Digest;
  readonly author?: string;
  readonly approver: string;
  readonly reason: string;
  readonly at: Date;
  readonly expiresAt: Date;
  readonly input: I;
}

/** The schema of an approval whose gate asks for nothing beside the decision. */
export const Approved: Schema.ConstraintCodec<Approved, unknown> = approved(Schema.Null);

interface Question<T, I> {
  /** What is asked, in words for those who decide. */
  readonly question: string;
  /** The schema of what they decide on. */
  readonly evidence: Schema.ConstraintCodec<T, unknown>;
  /** Who may say yes, by name. The author of the run may not, also if named. */
  readonly approvers: ReadonlyArray<string>;
  /** How long a word counts. Default: 30 days. */
  readonly expiresAfter?: Duration.Input;
  /** What the approver must give beside the decision. */
  readonly input?: Schema.ConstraintCodec<I, unknown>;
}

/**
 * A stage that waits for a person. Without a word that counts for exactly this evidence the run is
 * suspended with {@link ApprovalPending}: its process may end, and days later `ml-pipe approve` and
 * `ml-pipe resume` let it go on. A rejection stops the run with {@link ApprovalVoid}. Changed evidence,
 * an expired approval or one by the author never count.
 *
 * @example
 * ```ts
 * import { Stage, Verdict } from "@ml-pipe/core";
 * import * as Schema from "effect/Schema";
 *
 * const signOff = Stage.approval("sign-off", {
 *   question: "May this model warn passengers?",
 *   evidence: Verdict.Passed,
 *   approvers: ["head-of-operations"],
 *   expiresAfter: "14 days",
 *   input: Schema.Struct({ rolloutPercent: Schema.Int }),
 * });
 * ```
 */
export const approval = <T, I = null>(
  name: string,
  options: Question<T, I>,
): Stage<
  { readonly evidence: T },
  Approved<I>,
  {},
  ApprovalPending | ApprovalVoid | StoreError | Schema.SchemaError,
  Store
> => {
  const { question, approvers, evidence } = options;
  const invalid = (problem: string, next: string) =>
    new StageInvalid({ stage: name, problem, next });
  if (approvers.length === 0) throw invalid("nobody may approve", "Name at least one approver");
  const expires = Duration.fromInput(options.expiresAfter ?? "30 days");
  if (Option.isNone(expires)) {
    throw invalid("its approvals expire after no time", 'Give a duration such as "30 days"');
  }
  const expiresAfterMs = Duration.toMillis(expires.value);
  const input: Schema.ConstraintCodec<unknown, unknown> = options.input ?? Schema.Null;
  const digestOf = evidenceDigest(evidence);
  const decodeInput = Schema.decodeUnknownEffect(Schema.toCodecJson(input));

  const stage = make(name, {
    description: question,
    input: { evidence },
    output: approved(input),
    params: { approvers, expiresAfterMs },
    cache: "never",
    resources: { cores: 0 },
    run: Effect.fnUntraced(function* (shown) {
      const current = yield* CurrentRun;
      const { run = "", pipeline = "", stage: gate = name } = current ?? {};
      const digest = yield* digestOf(shown.evidence);
      const store = yield* Store;
      const words = yield* store.approvals.at(pipeline, gate);
      const word = words.find(({ evidence }) => evidence === digest) ?? words[0];
      const ask: Ask = {
        question,
        evidence: digest,
        approvers,
        expiresAfterMs,
        ...(options.input === undefined ? {} : { input: jsonSchemaOf(options.input) }),
      };
      yield* (yield* Reporter)({ _tag: "Ask", ask });
      const pending = Effect.fnUntraced(function* (reason: string | undefined) {
        const earlier = reason === undefined ? {} : { void: reason };
        return yield* new ApprovalPending({ run, gate, approvers, ...earlier });
      });
      if (word === undefined) return yield* pending(undefined);
      const now = new Date(yield* Clock.currentTimeMillis);
      const counted = yield* Effect.result(check(word, { evidence: digest, approvers, now }));
      if (counted._tag === "Failure") {
        const { failure } = counted;
        return yield* failure.reason === "rejected" ? failure : pending(failure.message);
      }
      const given = yield* Effect.result(decodeInput(word.input));
      // The gate asks for something else since.
      if (given._tag === "Failure") return yield* pending(given.failure.message);
      const { author, approver, reason, at, expiresAt } = word;
      const by = author === undefined ? {} : { author };
      return {
        gate,
        evidence: digest,
        ...by,
        approver,
        reason,
        at,
        expiresAt,
        input: given.success,
      };
    }),
  });
  return derive(stage, { info: () => ({ kind: "approval" }) });
};

/** As JSON Schema without references, so that anyone can check an answer. */
const jsonSchemaOf = (schema: Schema.ConstraintCodec<unknown, unknown>): Schema.Json => {
  const { schema: json, definitions } = Schema.toJsonSchemaDocument(Schema.toCodecJson(schema));
  const all = Object.keys(definitions).length === 0 ? json : { ...json, $defs: definitions };
  return Schema.decodeUnknownSync(Schema.Json)(JSON.parse(JSON.stringify(all)));
};

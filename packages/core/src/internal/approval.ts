/** What is recorded of an approval, and when it counts. Public as part of `Approval`. */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Digest, ofJson } from "../Digest.ts";
import { stops } from "./marks.ts";

/** A recorded decision of one person on the evidence that a gate showed. */
export const Approval = Schema.Struct({
  pipeline: Schema.String,
  /** Name of the stage that asked. */
  gate: Schema.String,
  /** The run that asked. */
  run: Schema.String,
  /** Digest of the evidence that was approved or rejected. */
  evidence: Digest,
  /** Who started the run that asked, if it is known. */
  author: Schema.optionalKey(Schema.String),
  approver: Schema.String,
  decision: Schema.Literals(["approve", "reject"]),
  reason: Schema.String,
  at: Schema.DateFromString,
  expiresAt: Schema.DateFromString,
  /** What the approver was asked for beside the decision, as JSON. */
  input: Schema.Json,
}).annotate({ title: "Approval" });
/** See {@link Approval}. */
export type Approval = typeof Approval.Type;

/** What a gate waits for: recorded with the stage that is suspended, and shown to the approvers. */
export const Ask = Schema.Struct({
  question: Schema.String,
  evidence: Digest,
  approvers: Schema.Array(Schema.String),
  expiresAfterMs: Schema.Finite,
  /** JSON Schema of the input that the approver must give; absent if none is asked for. */
  input: Schema.optionalKey(Schema.Json),
});
/** See {@link Ask}. */
export type Ask = typeof Ask.Type;

/**
 * The digest that an approval of some evidence is bound to: that of its JSON, however it was made.
 *
 * @example
 * ```ts
 * import { Approval, Verdict } from "@ml-pipe/core";
 *
 * const digestOf = (verdict: Verdict.Verdict) => Approval.evidenceDigest(Verdict.Verdict)(verdict);
 * ```
 */
export const evidenceDigest = <T>(
  schema: Schema.ConstraintCodec<T, unknown>,
): ((evidence: T) => Effect.Effect<Digest, Schema.SchemaError>) => {
  const encode = Schema.encodeEffect(Schema.toCodecJson(schema));
  return (evidence) => Effect.map(encode(evidence), ofJson);
};

/** An approval that does not count, and why. */
export class ApprovalVoid extends Schema.TaggedError<ApprovalVoid>()("ApprovalVoid", {
  approver: Schema.String,
  reason: Schema.Literals([
    "rejected",
    "evidence-changed",
    "expired",
    "author-approved",
    "not-an-approver",
    "dated-in-the-future",
  ]),
  /** The words of a person who rejected. */
  words: Schema.optionalKey(Schema.String),
}) {
  readonly [stops] = true;
  override get message(): string {
    const words = this.words === undefined ? "" : ` ("${this.words}")`;
    return `the approval by ${this.approver} does not count: ${explain[this.reason]}${words}`;
  }
}

const explain = {
  rejected: "it is a rejection. Read its reason, change the model, and ask again.",
  "evidence-changed": "the evidence has changed since. Ask for a new approval on the new evidence.",
  expired: "it has expired. Ask for a new one.",
  "author-approved": "the author of a model cannot approve it. Ask another approver.",
  "not-an-approver": "they are not among the approvers. Ask one of those that are named.",
  "dated-in-the-future": "it was given later than now. Correct the clock, or ask for a new one.",
};

/** What of an approval decides whether it counts. */
export type Judged = Pick<
  Approval,
  "evidence" | "author" | "approver" | "decision" | "reason" | "at" | "expiresAt"
>;

/**
 * Checks that an approval counts for some evidence, at a time. The approver must be one of
 * `approvers` and not the author of what is approved.
 *
 * @example
 * ```ts
 * import { Approval, Digest } from "@ml-pipe/core";
 *
 * const evidence = Digest.ofBytes("…");
 * const checked = Approval.check(
 *   {
 *     pipeline: "flight-delay", gate: "sign-off", run: "20261101-101500-1f0a93bc",
 *     evidence, author: "ben", approver: "ana", decision: "approve",
 *     reason: "saves 1 USD a flight", input: null,
 *     at: new Date("2026-11-01"), expiresAt: new Date("2026-12-01"),
 *   },
 *   { evidence, approvers: ["ana"], now: new Date("2026-11-02") },
 * );
 * ```
 */
export const check = <A extends Judged>(
  approval: A,
  against: {
    readonly evidence: Digest;
    readonly approvers: ReadonlyArray<string>;
    readonly now: Date;
  },
): Effect.Effect<A, ApprovalVoid> => {
  const { approver } = approval;
  const refuse = (reason: ApprovalVoid["reason"]) =>
    Effect.fail(new ApprovalVoid({ approver, reason }));
  if (approval.evidence !== against.evidence) return refuse("evidence-changed");
  if (!against.approvers.includes(approver)) return refuse("not-an-approver");
  if (approver === approval.author) return refuse("author-approved");
  if (against.now.getTime() < approval.at.getTime()) return refuse("dated-in-the-future");
  if (against.now.getTime() >= approval.expiresAt.getTime()) return refuse("expired");
  if (approval.decision === "reject") {
    return Effect.fail(new ApprovalVoid({ approver, reason: "rejected", words: approval.reason }));
  }
  return Effect.succeed(approval);
};

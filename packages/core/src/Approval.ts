/**
 * Approvals: a person's word, bound to a digest of the evidence it was given on. Change the evidence
 * and the approval is void; an author cannot approve their own model; approvals expire.
 */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Digest } from "./Digest.ts";
import { stops } from "./internal/stops.ts";

/** A recorded decision of one person on one verdict. */
export const Approval = Schema.Struct({
  /** Digest of the verdict that was approved or rejected. */
  verdict: Digest,
  approver: Schema.String,
  decision: Schema.Literals(["approve", "reject"]),
  reason: Schema.String,
  at: Schema.DateFromString,
  expiresAt: Schema.DateFromString,
});
/** See {@link Approval}. */
export type Approval = typeof Approval.Type;

/** An approval that does not count, and why. */
export class ApprovalVoid extends Schema.TaggedError<ApprovalVoid>()("ApprovalVoid", {
  approver: Schema.String,
  reason: Schema.Literals([
    "rejected",
    "evidence-changed",
    "expired",
    "author-approved",
    "not-an-approver",
  ]),
}) {
  readonly [stops] = true;
  override get message(): string {
    return `the approval by ${this.approver} does not count: ${explain[this.reason]}`;
  }
}

const explain = {
  rejected: "it is a rejection. Read its reason, change the model, and ask again.",
  "evidence-changed": "the evidence has changed since. Ask for a new approval on the new evidence.",
  expired: "it has expired. Ask for a new one.",
  "author-approved": "the author of a model cannot approve it. Ask another approver.",
  "not-an-approver": "the charter does not name them as an approver. Ask one of those it names.",
};

/**
 * Checks that an approval counts for a verdict, at a time.
 *
 * @example
 * ```ts
 * import { Approval, Digest } from "@ml-pipe/core";
 *
 * const verdict = Digest.ofBytes("…");
 * const checked = Approval.check(
 *   {
 *     verdict, approver: "ana", decision: "approve", reason: "saves 1 USD a flight",
 *     at: new Date("2026-11-01"), expiresAt: new Date("2026-12-01"),
 *   },
 *   { verdict: { digest: verdict }, author: "ben", approvers: ["ana"], now: new Date("2026-11-02") },
 * );
 * ```
 */
export const check = (
  approval: Approval,
  against: {
    readonly verdict: { readonly digest: Digest };
    readonly author: string;
    readonly approvers: ReadonlyArray<string>;
    readonly now: Date;
  },
): Effect.Effect<Approval, ApprovalVoid> => {
  const { approver } = approval;
  const refuse = (reason: ApprovalVoid["reason"]) =>
    Effect.fail(new ApprovalVoid({ approver, reason }));
  if (approval.decision === "reject") return refuse("rejected");
  if (approval.verdict !== against.verdict.digest) return refuse("evidence-changed");
  if (approver === against.author) return refuse("author-approved");
  if (!against.approvers.includes(approver)) return refuse("not-an-approver");
  if (against.now.getTime() >= approval.expiresAt.getTime()) return refuse("expired");
  return Effect.succeed(approval);
};

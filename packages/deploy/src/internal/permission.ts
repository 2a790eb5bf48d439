/** Whether something may be released: the checks that types cannot make, when the program runs. */
import { Approval, Charter, Digest, Stage, Verdict } from "@ml-pipe/core";
import type { Release } from "@ml-pipe/data";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { isName } from "../Registry.ts";

/** The verdict was made under another charter: other costs, another baseline or another owner. */
export class OtherCharter extends Schema.TaggedError<OtherCharter>()("OtherCharter", {
  title: Schema.String,
  charter: Digest.Digest,
  judgedUnder: Digest.Digest,
}) {
  readonly [Stage.stops] = true;
  override get message(): string {
    return `the verdict was made under another charter (${this.judgedUnder.slice(0, 19)}) than "${this.title}" (${this.charter.slice(0, 19)}). Evaluate under this charter.`;
  }
}

/** Throws a `TypeError` for what cannot name a release. */
export const requireName = (name: string): void => {
  if (isName(name)) return;
  throw new TypeError(
    `deploy: "${name}" cannot name a release: use letters, digits, '.', '_' and '-', at most 100`,
  );
};

/** Who may approve, where an approval is required. Throws a `TypeError` if the charter names nobody. */
export const approversOf = (
  { spec }: Charter.Charter,
  approval: "required" | undefined,
): ReadonlyArray<string> | undefined => {
  if (approval === undefined) return undefined;
  if (spec.approvers !== undefined && spec.approvers.length > 0) return spec.approvers;
  throw new TypeError(
    `deploy: an approval is required, but the charter "${spec.title}" names nobody who may give it: add its approvers`,
  );
};

/** The verdict passed, was made under this charter, and the charter has not ended. */
export const requirePermitted = Effect.fnUntraced(function* (
  verdict: Verdict.Verdict,
  charter: Charter.Charter,
  now: Date,
) {
  const { title, kill, owner } = charter.spec;
  yield* Verdict.requirePassed(verdict);
  if (verdict.charter !== charter.digest) {
    return yield* new OtherCharter({
      title,
      charter: charter.digest,
      judgedUnder: verdict.charter,
    });
  }
  if (Charter.isExpired(charter, now)) {
    return yield* new Charter.CharterExpired({
      title,
      on: kill.on,
      criterion: kill.criterion,
      owner,
    });
  }
});

/** The approval as a release records it, if it is one of this verdict and counts now. */
export const requireApproval = Effect.fnUntraced(function* (
  { gate, evidence, author, approver, reason, at, expiresAt }: Stage.Approved<unknown>,
  verdict: Verdict.Verdict,
  approvers: ReadonlyArray<string>,
): Effect.fn.Return<Release.ReleaseApproval, Approval.ApprovalVoid> {
  const by = author === undefined ? {} : { author };
  const word = { gate, approver, ...by, reason, at, expiresAt, evidence };
  const against = {
    // A verdict of this type encodes: its schema has just checked it.
    evidence: yield* Effect.orDie(evidenceOf(verdict)),
    approvers,
    now: new Date(yield* Clock.currentTimeMillis),
  };
  yield* Approval.check({ ...word, decision: "approve" }, against);
  return word;
});

const evidenceOf = Approval.evidenceDigest(Verdict.Verdict);

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as Approval from "./Approval.ts";
import * as Digest from "./Digest.ts";

const evidence = Digest.ofBytes("evidence");

const approval: Approval.Approval = {
  pipeline: "flight-delay",
  gate: "sign-off",
  run: "20261101-101500-1f0a93bc",
  evidence,
  author: "ben",
  input: null,
  approver: "ana",
  decision: "approve",
  reason: "saves 1 USD a flight",
  at: new Date("2026-11-01"),
  expiresAt: new Date("2026-12-01"),
};

const against = {
  evidence,
  approvers: ["ana", "cleo"],
  now: new Date("2026-11-02"),
};

const reasonOf = (
  change: Partial<Approval.Approval>,
  now: Partial<typeof against> = {},
): Effect.Effect<string> =>
  Approval.check({ ...approval, ...change }, { ...against, ...now }).pipe(
    Effect.match({ onSuccess: () => "counts", onFailure: ({ reason }) => reason }),
  );

describe("check", () => {
  it.effect("an approval of this verdict by a named approver, in time, counts", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Approval.check(approval, against), approval);
      const lastInstant = new Date(approval.expiresAt.getTime() - 1);
      assert.strictEqual(yield* reasonOf({}, { now: lastInstant }), "counts");
    }),
  );

  it.effect("each reason for which it does not", () =>
    Effect.gen(function* () {
      const other = { evidence: Digest.ofBytes("other evidence") };
      const before = new Date(approval.at.getTime() - 1);
      assert.strictEqual(yield* reasonOf({ decision: "reject" }), "rejected");
      assert.strictEqual(yield* reasonOf({}, other), "evidence-changed");
      assert.strictEqual(yield* reasonOf({ author: "ana" }), "author-approved");
      assert.strictEqual(yield* reasonOf({ approver: "dan" }), "not-an-approver");
      assert.strictEqual(yield* reasonOf({}, { approvers: [] }), "not-an-approver");
      assert.strictEqual(yield* reasonOf({}, { now: approval.expiresAt }), "expired");
      assert.strictEqual(yield* reasonOf({}, { now: before }), "dated-in-the-future");
    }),
  );

  it("says what to do, whatever the reason", () => {
    const reasons = ["rejected", "evidence-changed", "expired", "author-approved"] as const;
    for (const reason of [...reasons, "not-an-approver", "dated-in-the-future"] as const) {
      const { message } = new Approval.ApprovalVoid({ approver: "ana", reason });
      assert.match(
        message,
        /the approval by ana does not count: .*\. .*(Ask|Read|Correct)|cannot.*Ask/,
      );
    }
  });

  it("is stored and read back", () => {
    const stored: unknown = JSON.parse(
      JSON.stringify(Schema.encodeSync(Approval.Approval)(approval)),
    );
    assert.deepStrictEqual(Schema.decodeUnknownSync(Approval.Approval)(stored), approval);
  });
});

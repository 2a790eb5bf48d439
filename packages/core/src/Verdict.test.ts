import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as fc from "fast-check";
import * as Digest from "./Digest.ts";
import * as Verdict from "./Verdict.ts";

const [model, charter, testSet] = ["model", "charter", "test"].map(Digest.ofBytes) as [
  Digest.Digest,
  Digest.Digest,
  Digest.Digest,
];
const about = { model, charter, testSet };

const answering = (name: string, outcome: Verdict.Outcome): Verdict.Gate<unknown> => ({
  name,
  check: () => ({ outcome, expected: "a gain", found: "0.1", next: "try more data" }),
});

const judged = (...outcomes: ReadonlyArray<Verdict.Outcome>) =>
  Verdict.judge(
    outcomes.map((outcome, index) => answering(`gate ${index}`, outcome)),
    null,
    about,
  );

const accepts = (schema: Schema.ConstraintCodec<unknown, unknown>, value: unknown) =>
  Schema.decodeUnknownResult(schema)(value)._tag === "Success";

describe("extend", () => {
  it("adds evidence: the status follows from all of it, and so does the digest", () => {
    const before = judged("passed");
    const extended = Verdict.extend(before, [answering("golden", "failed")], null);
    assert.strictEqual(extended.status, "rejected");
    assert.deepStrictEqual(
      extended.evidence.map(({ gate }) => gate),
      ["gate 0", "golden"],
    );
    assert.notStrictEqual(extended.digest, before.digest);
    assert.isTrue(accepts(Verdict.Verdict, extended));
    assert.deepStrictEqual(Verdict.extend(before, [], null), before);
    // A rejected verdict does not pass by more evidence.
    assert.strictEqual(
      Verdict.extend(judged("failed"), [answering("golden", "passed")], null).status,
      "rejected",
    );
  });
});

describe("judge", () => {
  it("follows from the evidence: one failed rejects, one that did not answer is inconclusive", () => {
    assert.strictEqual(judged("passed", "passed").status, "passed");
    assert.strictEqual(judged("passed", "failed", "inconclusive").status, "rejected");
    assert.strictEqual(judged("passed", "inconclusive").status, "inconclusive");
    assert.strictEqual(judged().status, "inconclusive");
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom<Array<Verdict.Outcome>>("passed", "failed", "inconclusive")),
        (outcomes) => {
          const { status } = judged(...outcomes);
          const all = outcomes.length > 0 && outcomes.every((outcome) => outcome === "passed");
          assert.strictEqual(status === "passed", all);
          assert.strictEqual(status === "rejected", outcomes.includes("failed"));
        },
      ),
    );
  });

  it("shows each gate the subject and keeps what it saw", () => {
    const small: Verdict.Gate<{ readonly bytes: number }> = {
      name: "size",
      check: ({ bytes }) => ({
        outcome: bytes <= 10 ? "passed" : "failed",
        expected: "at most 10 bytes",
        found: `${bytes} bytes`,
        next: "use fewer trees",
      }),
    };
    assert.deepStrictEqual(Verdict.judge([small], { bytes: 11 }, about).evidence, [
      {
        gate: "size",
        outcome: "failed",
        expected: "at most 10 bytes",
        found: "11 bytes",
        next: "use fewer trees",
      },
    ]);
  });

  it("has another digest for another model, charter, test set or evidence", () => {
    const other = Digest.ofBytes("other");
    const gates = [answering("gate 0", "passed")];
    const digests = [
      judged("passed"),
      judged("failed"),
      judged("passed", "passed"),
      Verdict.judge([answering("gate x", "passed")], null, about),
      ...(["model", "charter", "testSet"] as const).map((part) =>
        Verdict.judge(gates, null, { ...about, [part]: other }),
      ),
    ].map(({ digest }) => digest);
    assert.strictEqual(new Set(digests).size, digests.length);
    assert.strictEqual(judged("passed").digest, digests[0]);
  });
});

describe("decoding", () => {
  const stored = (verdict: Verdict.Verdict): Record<string, unknown> =>
    JSON.parse(JSON.stringify(verdict));

  it("takes back what was written", () => {
    for (const verdict of [judged("passed"), judged("failed"), judged()]) {
      assert.deepStrictEqual(Schema.decodeUnknownSync(Verdict.Verdict)(stored(verdict)), verdict);
      assert.strictEqual(accepts(Verdict.Passed, stored(verdict)), verdict.status === "passed");
    }
  });

  it("refuses a forged status, digest or evidence", () => {
    const rejected = stored(judged("failed"));
    const passed = stored(judged("passed"));
    const forged = [
      { ...rejected, status: "passed" },
      { ...rejected, evidence: passed["evidence"] },
      { ...rejected, status: "passed", evidence: passed["evidence"] },
      { ...passed, digest: Digest.ofBytes("x") },
      { ...passed, model: Digest.ofBytes("x") },
      { ...stored(judged()), status: "passed" },
      { ...passed, evidence: [] },
    ];
    for (const value of forged) {
      assert.isFalse(accepts(Verdict.Verdict, value));
      assert.isFalse(accepts(Verdict.Passed, value));
    }
    const result = Schema.decodeUnknownResult(Verdict.Verdict)(forged[0]);
    assert.isTrue(result._tag === "Failure");
    if (result._tag === "Failure") assert.match(result.failure.message, /follow from its evidence/);
  });
});

describe("the gate stage", () => {
  it.effect("hands a passed verdict on", () =>
    Effect.gen(function* () {
      const verdict = judged("passed");
      assert.deepStrictEqual(yield* Verdict.gate.run({ verdict }), verdict);
    }),
  );

  it.effect("stops at any other, and says which gate, why and what next", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        Verdict.gate.run({ verdict: judged("passed", "failed", "inconclusive") }),
      );
      assert.instanceOf(error, Verdict.GateClosed);
      assert.include(error.message, "the model is rejected");
      assert.include(error.message, "gate 1 failed: expected a gain, found 0.1. try more data");
      assert.include(error.message, "gate 2 inconclusive");
      assert.notInclude(error.message, "gate 0");

      const silent = yield* Effect.flip(Verdict.requirePassed(judged()));
      assert.include(silent.message, "inconclusive");
      assert.include(silent.message, "no gate gave an answer");
    }),
  );

  it.effect("does not take a forged verdict", () =>
    Effect.gen(function* () {
      const forged = { ...judged("failed"), status: "passed" } as const;
      const error = yield* Effect.flip(Verdict.gate.run({ verdict: forged }));
      assert.strictEqual(error._tag, "InputMismatch");
    }),
  );
});

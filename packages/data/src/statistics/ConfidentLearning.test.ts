import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import { reference } from "../../test-fixtures/labels.ts";
import { allClose, fails, value } from "../../test-fixtures/statistics.ts";
import * as ConfidentLearning from "./ConfidentLearning.ts";

const filters = [
  "pruneByNoiseRate",
  "pruneByClass",
  "both",
  "confidentLearning",
  "predictedNotGiven",
  "lowSelfConfidence",
  "lowNormalizedMargin",
] as const;

for (const given of reference.confident) {
  describe(`as cleanlab ${reference.origin.cleanlab} on ${given.name}`, () => {
    it("thresholds and the confident joint", () => {
      allClose(value(ConfidentLearning.thresholds(given)), given.thresholds);
      assert.deepStrictEqual(value(ConfidentLearning.confidentJoint(given)), given.joint);
      const raw = value(ConfidentLearning.confidentJoint(given, { calibrate: false }));
      assert.deepStrictEqual(raw, given.rawJoint);
    });

    it.each(filters)("the issues by %s", (filter) => {
      const found = Array.from(value(ConfidentLearning.findIssues(given, filter)));
      assert.deepStrictEqual(found, given.issues[filter]);
    });

    it("the scores", () => {
      const scores = value(ConfidentLearning.quality(given));
      allClose(scores.selfConfidence, given.selfConfidence);
      allClose(scores.normalizedMargin, given.normalizedMargin);
    });
  });
}

describe("laws", () => {
  const rows = fc
    .array(
      fc.tuple(
        fc.nat(2),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
      ),
      {
        minLength: 3,
        maxLength: 60,
      },
    )
    .filter((all) => new Set(all.map(([label]) => label)).size > 1)
    .map((all) => ({
      labels: all.map(([label]) => label),
      probabilities: [
        all.map(([, a]) => a),
        all.map(([, a, b]) => (1 - a) * b),
        all.map(([, a, b]) => (1 - a) * (1 - b)),
      ],
    }));

  it("the joint has as many rows of a label as there are; no issue is of its most probable class", () => {
    fc.assert(
      fc.property(rows, (given) => {
        const joint = value(ConfidentLearning.confidentJoint(given));
        for (const [k, row] of joint.entries()) {
          const total = row.reduce((sum, one) => sum + one, 0);
          assert.strictEqual(total, given.labels.filter((label) => label === k).length);
        }
        for (const row of value(ConfidentLearning.findIssues(given))) {
          const own = given.probabilities[given.labels[row]!]![row]!;
          assert.isTrue(given.probabilities.some((column) => column[row]! > own));
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("refuses", () => {
  const p = [0.9, 0.2, 0.4];
  const good = { labels: [0, 1, 1], probabilities: [p, p.map((one) => 1 - one)] };
  const { findIssues } = ConfidentLearning;

  it("what no probability can be", () => {
    assert.strictEqual(value(findIssues(good)).length, 0);
    const rest = p.map((one) => 1 - one);
    fails(findIssues({ ...good, probabilities: [[0.9, NaN, 0.4], rest] }), "notFinite", 1);
    fails(findIssues({ ...good, probabilities: [[0.9, 1.2, 0.4], rest] }), "outOfRange", 1);
    fails(findIssues({ ...good, probabilities: [p, p] }), "outOfRange", 0);
  });

  it("labels that are no class, one class, no rows, more classes than rows, uneven arrays", () => {
    fails(findIssues({ ...good, labels: [0, NaN, 1] }), "outOfRange", 1);
    fails(findIssues({ ...good, labels: [0, 2, 1] }), "outOfRange", 1);
    fails(findIssues({ ...good, labels: [1, 1, 1] }), "oneClass");
    fails(findIssues({ labels: [], probabilities: [[], []] }), "empty");
    fails(findIssues({ labels: [0], probabilities: [[0.5], [0.5]] }), "tooFew");
    fails(findIssues({ labels: [0, 1], probabilities: [[1, 1]] }), "tooFew");
    fails(findIssues({ ...good, probabilities: [p, [0.1]] }), "lengthMismatch");
  });
});

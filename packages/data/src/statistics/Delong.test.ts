import { assert, describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import { close, fails, reference, value } from "../../test-fixtures/statistics.ts";
import * as Classification from "./Classification.ts";
import { normal } from "./internal/Inverse.ts";
import { Xoshiro128 } from "./Random.ts";
import * as Interval from "./Interval.ts";

const gaussian = (random: Xoshiro128) => normal((random.next() + 0.5) / 4294967296);

describe("DeLong", () => {
  for (const known of reference.classification) {
    it(`${known.name}: the m x n definition in NumPy, and the package confidenceinterval`, () => {
      const found = value(Interval.aucInterval(known.probabilities, known.labels));
      const { auc, deviation, package: theirs, z } = known.delong;
      close(found.estimate, auc);
      close(found.lower, Math.max(0, auc - z * deviation));
      close(found.upper, Math.min(1, auc + z * deviation));
      // The package computes ranks in single precision.
      close((auc - found.lower) / z, theirs, 1e-6);
    });

    it(`${known.name}: the difference of two areas`, () => {
      const found = value(Interval.aucDifference(known.probabilities, known.other, known.labels));
      close(found.estimate, known.difference.auc);
      close(found.lower, known.difference.auc - known.delong.z * known.difference.deviation);
      close(found.upper, known.difference.auc + known.delong.z * known.difference.deviation);
    });
  }

  const labelled = fc
    .array(
      fc.tuple(
        fc.integer({ min: 0, max: 30 }),
        fc.integer({ min: 0, max: 30 }),
        fc.constantFrom(0, 1),
      ),
      { minLength: 6, maxLength: 60 },
    )
    .map((rows) => ({
      first: rows.map((r) => r[0]),
      second: rows.map((r) => r[1]),
      labels: rows.map((r) => r[2]),
    }))
    .filter(
      ({ labels }) =>
        labels.filter((y) => y === 1).length >= 2 && labels.filter((y) => y === 0).length >= 2,
    );

  it("has the area of rocAuc, and a difference that turns its sign with the order", () => {
    fc.assert(
      fc.property(labelled, ({ first, labels, second }) => {
        const auc = value(Classification.rocAuc(first, labels));
        const one = Interval.aucInterval(first, labels);
        if (one._tag === "Success") {
          close(one.success.estimate, auc);
          assert.isTrue(
            0 <= one.success.lower &&
              one.success.lower <= auc + 1e-12 &&
              auc - 1e-12 <= one.success.upper &&
              one.success.upper <= 1,
          );
        } else {
          assert.strictEqual(one.failure.reason, "degenerate");
        }
        const forward = Interval.aucDifference(first, second, labels);
        const backward = Interval.aucDifference(second, first, labels);
        if (forward._tag === "Success" && backward._tag === "Success") {
          close(forward.success.estimate, auc - value(Classification.rocAuc(second, labels)));
          close(backward.success.estimate, -forward.success.estimate);
          close(backward.success.lower, -forward.success.upper);
        }
      }),
    );
  });

  it("sees no difference between a score and its increasing map", () => {
    const known = reference.classification[1];
    assert.isDefined(known);
    if (known === undefined) return;
    const found = value(
      Interval.aucDifference(
        known.probabilities,
        known.probabilities.map((p) => 3 * p - 9),
        known.labels,
      ),
    );
    assert.deepStrictEqual([found.lower, found.estimate, found.upper], [0, 0, 0]);
  });

  it("rejects bad input, and perfect separation", () => {
    fails(Interval.aucInterval([1, 2, 3, 4], [0, 0, 1, 1]), "degenerate");
    fails(Interval.aucInterval([4, 3, 2, 1], [0, 0, 1, 1]), "degenerate");
    fails(Interval.aucDifference([1, 2, 3, 4], [4, 3, 2, 1], [0, 0, 1, 1]), "degenerate");
    fails(Interval.aucInterval([1, 2, 3], [0, 0, 1]), "tooFew");
    fails(Interval.aucInterval([1, 2], [1, 1]), "oneClass");
    fails(Interval.aucInterval([], []), "empty");
    fails(Interval.aucInterval([1, NaN], [1, 0]), "notFinite", 1);
    fails(Interval.aucInterval([1, 2, 3, 4], [0, 1, 0, 1], 1), "outOfRange");
    fails(Interval.aucDifference([1, 2, 3], [1, 2], [0, 1, 1]), "lengthMismatch");
    fails(Interval.aucDifference([1, 2], [1, NaN], [0, 1]), "notFinite", 1);
  });

  // Two normals a distance d apart have the area Phi(d / sqrt 2): Phi(1) = 0.841344746 for d = sqrt 2. Published
  // simulations put DeLong's coverage at 60 rows a class within some two points of 95 % (Qin & Hotilovac 2008).
  it("covers the true area as often as it says", () => {
    const random = Xoshiro128.fromSeed(1988);
    const labels = Float64Array.from({ length: 120 }, (_, i) => i % 2);
    const scores = new Float64Array(120);
    const worlds = 1000;
    let covered = 0;
    for (let world = 0; world < worlds; world++) {
      for (let i = 0; i < 120; i++) scores[i] = gaussian(random) + Math.SQRT2 * (i % 2);
      const { lower, upper } = value(Interval.aucInterval(scores, labels));
      if (lower <= 0.8413447460685429 && 0.8413447460685429 <= upper) covered++;
    }
    assert.isTrue(
      covered / worlds > 0.915 && covered / worlds < 0.975,
      `coverage ${covered / worlds}`,
    );
  });
});

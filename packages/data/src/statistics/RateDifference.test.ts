import { describe, it } from "@effect/vitest";
import reference from "../../test-fixtures/rates.json" with { type: "json" };
import { close, fails, value } from "../../test-fixtures/statistics.ts";
import * as Interval from "./Interval.ts";

describe("against statsmodels", () => {
  it("differences of rates over blocks", () => {
    for (const { first, second, estimate, lower, upper } of reference.cases) {
      const found = value(Interval.rateDifference(first, second));
      close(found.estimate, estimate, 1e-12);
      close(found.lower, lower, 1e-10);
      close(found.upper, upper, 1e-10);
    }
  });

  it("differences of means over blocks", () => {
    for (const { first, second, estimate, lower, upper } of reference.means) {
      const found = value(Interval.groupDifference(first, second));
      close(found.estimate, estimate, 1e-10);
      close(found.lower, lower, 1e-9);
      close(found.upper, upper, 1e-9);
    }
  });

  it("differences of two intervals", () => {
    for (const { first, second, lower, upper } of reference.mover) {
      const of = ([estimate = NaN, low = NaN, high = NaN]: ReadonlyArray<number>) =>
        ({ estimate, lower: low, upper: high, level: 0.95, method: "wilson" }) as const;
      const found = value(Interval.differenceOf(of(first), of(second)));
      close(found.lower, lower, 1e-9);
      close(found.upper, upper, 1e-9);
    }
  });
});

describe("refuses", () => {
  const some = { trials: [4, 4], hits: [1, 2] };
  it("what says nothing about variation", () => {
    fails(
      Interval.rateDifference({ trials: [4], hits: [1] }, { trials: [4], hits: [2] }),
      "tooFew",
    );
    fails(Interval.rateDifference(some, { trials: [0, 0], hits: [0, 0] }), "tooFew");
    const all = { trials: [4, 4], hits: [4, 4] };
    fails(Interval.rateDifference(all, { trials: [4, 4], hits: [0, 0] }), "degenerate");
    fails(Interval.rateDifference(some, { trials: [4], hits: [1] }), "lengthMismatch");
  });

  it("intervals of two levels", () => {
    const one = value(Interval.rateDifference(some, { trials: [4, 4], hits: [3, 1] }, 0.9));
    const two = value(Interval.rateDifference(some, { trials: [4, 4], hits: [3, 1] }, 0.95));
    fails(Interval.differenceOf(one, two), "outOfRange");
  });
});

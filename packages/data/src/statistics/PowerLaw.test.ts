import { assert, describe, it } from "@effect/vitest";
import reference from "../../test-fixtures/powerLaw.json" with { type: "json" };
import { close, fails, value } from "../../test-fixtures/statistics.ts";
import * as PowerLaw from "./PowerLaw.ts";

describe("a power law", () => {
  it("is fitted as by SciPy, with the interval of what twice the rows would save", () => {
    for (const { rows, losses, limit, exponent, saving, lower, upper } of reference) {
      const curve = value(PowerLaw.fit(rows, losses));
      close(curve.limit, limit, 1e-3);
      close(curve.exponent, exponent, 1e-3);
      const most = rows.at(-1) ?? 0;
      const found = value(curve.saving(most, 2 * most));
      const width = upper - lower;
      assert.closeTo(found.estimate, saving, 1e-3 * width);
      assert.closeTo(found.lower, lower, 1e-3 * width);
      assert.closeTo(found.upper, upper, 1e-3 * width);
    }
  });

  it("is found again where there is no noise", () => {
    const rows = [100, 200, 400, 800, 1600];
    const curve = value(
      PowerLaw.fit(
        rows,
        rows.map((n) => 0.2 + 3 * n ** -0.7),
      ),
    );
    close(curve.limit, 0.2, 1e-6);
    close(curve.scale, 3, 1e-4);
    close(curve.exponent, 0.7, 1e-5);
  });

  it("has no answer where nothing changes, and refuses what is no curve", () => {
    fails(value(PowerLaw.fit([1, 2, 3, 4], [5, 5, 5, 5])).saving(4, 8), "degenerate");
    fails(PowerLaw.fit([1, 2, 3], [3, 2, 1]), "tooFew");
    fails(PowerLaw.fit([1, 2, 2, 4], [3, 2, 1, 1]), "unsorted");
    fails(PowerLaw.fit([1, 2, 3, 4], [3, NaN, 1, 1]), "notFinite", 1);
    fails(PowerLaw.fit([0, 2, 3, 4], [3, 2, 1, 1]), "outOfRange");
  });
});

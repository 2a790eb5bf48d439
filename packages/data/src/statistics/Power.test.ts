import { describe, it } from "@effect/vitest";
import * as fc from "fast-check";
import reference from "../../test-fixtures/power.json" with { type: "json" };
import { close, fails, value } from "../../test-fixtures/statistics.ts";
import * as Power from "./Power.ts";

describe("against statsmodels", () => {
  it("how many values", () => {
    for (const { effect, level, power, count, perArm } of reference.cases) {
      const design = { difference: effect, sd: 1 };
      const what = `effect ${effect}, level ${level}, power ${power}:`;
      close(value(Power.countForMean(design, { level, power })), count, 1e-6, what);
      close(value(Power.perArmForMeans(design, { level, power })), perArm, 1e-6, what);
    }
  });

  it("the power of few and of many", () => {
    for (const { effect, count, one, two } of reference.powers) {
      const what = `effect ${effect}, count ${count}:`;
      const design = { difference: effect * 7, sd: 7 };
      close(value(Power.ofMean({ ...design, count })), one, 1e-9, what);
      close(value(Power.ofTwoMeans({ ...design, perArm: count })), two, 1e-9, what);
    }
  });

  it("two rates", () => {
    for (const { from, to, perArm, power } of reference.rates) {
      // statsmodels adds the power of the wrong tail, which R does not: at most 1e-5 here.
      const found = value(Power.perArmForRates({ from, to }, { power }));
      close(found, perArm, 1e-4, `${from} to ${to}:`);
    }
  });
});

describe("against the examples of R's documentation", () => {
  it("power.t.test and power.prop.test", () => {
    const design = { difference: 1, sd: 1 };
    close(value(Power.ofTwoMeans({ ...design, perArm: 20 })), 0.8689528, 1e-6);
    close(value(Power.perArmForMeans(design, { power: 0.9 })), 22.0211, 1e-5);
    const rates = { from: 0.5, to: 0.75 };
    close(value(Power.perArmForRates(rates, { power: 0.9 })), 76.7, 1e-3);
  });
});

it("the detectable difference is the one whose power is asked for", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 1e4, noNaN: true }),
      fc.integer({ min: 2, max: 100_000 }),
      fc.double({ min: 0.1, max: 0.99, noNaN: true }),
      (sd, count, power) => {
        const difference = value(Power.detectableMean({ sd, count }, { power }));
        close(value(Power.ofMean({ difference, sd, count })), power, 1e-6);
      },
    ),
    { numRuns: 50 },
  );
});

it("refuses what has no power", () => {
  fails(Power.ofMean({ difference: 0, sd: 1, count: 9 }), "outOfRange");
  fails(Power.ofMean({ difference: 1, sd: 0, count: 9 }), "outOfRange");
  fails(Power.ofMean({ difference: 1, sd: 1, count: 1 }), "outOfRange");
  fails(Power.ofTwoMeans({ difference: Infinity, sd: 1, perArm: 9 }), "outOfRange");
  fails(Power.countForMean({ difference: 1, sd: NaN }), "outOfRange");
  fails(Power.perArmForMeans({ difference: 1, sd: 1 }, { power: 1 }), "outOfRange");
  fails(Power.perArmForRates({ from: 0.5, to: 0.5 }), "outOfRange");
  fails(Power.perArmForRates({ from: 0, to: 0.5 }), "outOfRange");
  fails(Power.detectableMean({ sd: 1, count: 9 }, { level: 0 }), "outOfRange");
});

import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as FeatureEdit from "./FeatureEdit.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as History from "./History.ts";

const trip = (unit: string) =>
  Contract.make("trip", {
    version: "1",
    owner: "fleet",
    eventTime: "at",
    columns: {
      at: Column.timestamp(),
      from: Column.string(),
      km: Column.float({ unit }),
      late: Column.boolean({ availableAt: "outcome", nullable: true }),
    },
  });

const set = (
  change: {
    readonly unit?: string;
    readonly factor?: number;
    readonly hop?: "1 hour" | "2 hours";
    readonly more?: boolean;
    readonly flip?: boolean;
  } = {},
) => {
  const { unit = "km", factor = 2, hop = "1 hour", more = false, flip = false } = change;
  return FeatureSet.make("trip-features", {
    version: "1",
    of: trip(unit),
    decidedAt: "at",
    label: ($) => (flip ? $.late.not() : $.late),
    features: ($) => ({
      far: $.km.times(factor),
      hour: $.at.hourOfDay(),
      late: History.mean($.late, {
        by: [$.from],
        knownAt: $.at.plusMinutes(30),
        window: "6 hours",
        hop,
      }),
      ...(more ? { near: $.km.lt(1) } : {}),
    }),
  });
};

const edited = (now: FeatureSet.FeatureSet) => FeatureEdit.between(set().spec, now.spec);

describe("between", () => {
  it("finds another formula, another window and another unit, each in words", () => {
    assert.deepStrictEqual(edited(set({ factor: 3 })), [
      {
        feature: "far",
        was: "multiply(km, 2) with km: float in km",
        is: "multiply(km, 3) with km: float in km",
      },
    ]);
    const [late] = edited(set({ hop: "2 hours" }));
    assert.include(late?.was, "mean of late by from, known at ");
    assert.include(late?.was, "over 6 h in steps of 1 h");
    assert.include(late?.is, "in steps of 2 h");
    assert.deepStrictEqual(
      edited(set({ unit: "mi" })).map(({ feature, is }) => [feature, is]),
      [["far", "multiply(km, 2) with km: float in mi"]],
    );
  });

  it("finds another label", () => {
    assert.deepStrictEqual(
      edited(set({ flip: true })).map(({ feature }) => feature),
      ["label"],
    );
  });

  it("finds nothing in the same, in a feature more, or in one less", () => {
    assert.deepStrictEqual(edited(set()), []);
    assert.deepStrictEqual(edited(set({ more: true })), []);
    assert.deepStrictEqual(FeatureEdit.between(set({ more: true }).spec, set().spec), []);
  });
});

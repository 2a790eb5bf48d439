import { Charter, type Ref, type Verdict } from "@ml-pipe/core";
import { FeatureSet, type Model, type Table } from "@ml-pipe/data";
import { expectTypeOf, it } from "vitest";
import { Minutes, minutesCharter, Ways, waysCharter } from "../test-fixtures/deliveries.ts";
import { charterWith, type OtherFeatures, TripFeatures } from "../test-fixtures/trips.ts";
import * as Evaluate from "./Evaluate.ts";

const charter = charterWith();
const evaluate = Evaluate.decisions(TripFeatures, { charter });

type Trips = typeof TripFeatures.contract;
type Others = typeof OtherFeatures.contract;

declare const model: Ref.Ref<Model.Model<Trips>>;
declare const otherModel: Ref.Ref<Model.Model<Others>>;
declare const test: Ref.Ref<Table.Table<Trips, "test">>;
declare const train: Ref.Ref<Table.Table<Trips, "train">>;

it("judges a model on the test table of its feature set", () => {
  const build = () => evaluate({ model, train, data: test });
  expectTypeOf<ReturnType<typeof build>["verdict"]>().toExtend<Ref.Ref<Verdict.Verdict>>();
});

it("does not judge on a train table", () => {
  // @ts-expect-error is not assignable to type '"test"'
  evaluate({ model, train, data: train });
});

it("does not judge a model of another feature set", () => {
  // @ts-expect-error is not assignable to type '"trip-features"'
  evaluate({ model: otherModel, train, data: test });
});

it("needs a charter", () => {
  // @ts-expect-error Property 'charter' is missing
  Evaluate.decisions(TripFeatures, {});
});

it("judges decisions by what decisions cost", () => {
  const { spec } = charter;
  const metric = { name: "error", unit: "min", error: "absolute" } as const;
  const kill = { on: "2030-01-01", criterion: "" };
  const decision = { ...spec.decision, outcomeKnownAfter: "1 day" } as const;
  const errors = Charter.make({ ...spec, metric, kill, decision });
  // @ts-expect-error Property 'costs' is missing in type
  Evaluate.decisions(TripFeatures, { charter: errors });
});

it("judges decisions, not numbers", () => {
  const KmFeatures = FeatureSet.make("km-features", {
    version: "1",
    of: TripFeatures.source,
    decidedAt: "at",
    features: () => ({}),
    label: ($) => $.x,
  });
  // @ts-expect-error Type 'number' is not assignable to type 'boolean | null'
  Evaluate.decisions(KmFeatures, { charter });
});

it("judges numbers by an error, and classes by what choosing costs", () => {
  const [minutes, costs] = [minutesCharter(), waysCharter()];
  Evaluate.regression(Minutes, { charter: minutes, slices: ["town"] });
  Evaluate.classification(Ways, { charter: costs, slices: ["town"] });
  // @ts-expect-error Property 'error' is missing in type
  Evaluate.regression(Minutes, { charter });
  // @ts-expect-error Property 'classCosts' is missing in type
  Evaluate.classification(Ways, { charter: minutes });
  // @ts-expect-error Type 'string' is not assignable to type 'number'
  Evaluate.regression(Ways, { charter: minutes });
  // @ts-expect-error Type 'number' is not assignable to type 'string'
  Evaluate.classification(Minutes, { charter: costs });
});

it("asks about power and explains by the metric of the label", () => {
  const [minutes, costs] = [minutesCharter(), waysCharter()];
  Evaluate.power(Minutes, { charter: minutes });
  Evaluate.explain(Ways, { charter: costs, together: [["x", "peek"]] });
  // @ts-expect-error is not assignable to parameter of type 'FeatureSet<
  Evaluate.power(Minutes, { charter });
  // @ts-expect-error Type 'string' is not assignable to type 'number'
  Evaluate.explain(Ways, { charter: minutes });
});

it("compares groups by what numbers and classes have", () => {
  const [minutes, costs] = [minutesCharter(), waysCharter()];
  const by = ["town"] as const;
  Evaluate.regression(Minutes, {
    charter: minutes,
    fairness: { by, maxCostDifference: 1, maxBiasDifference: 1 },
    robustness: { maxFall: 1, outages: ["x"] },
  });
  Evaluate.classification(Ways, {
    charter: costs,
    fairness: { by, maxCostDifference: 1, favourable: { choices: ["boat"] } },
  });
  const alike = { by, maxCostDifference: 1 };
  // @ts-expect-error 'rates' does not exist in type
  Evaluate.regression(Minutes, { charter: minutes, fairness: { ...alike, rates: [] } });
  // @ts-expect-error Type '"way"' is not assignable to type
  Evaluate.classification(Ways, { charter: costs, segments: { columns: ["way"] } });
});

it("slices by kept columns only", () => {
  Evaluate.decisions(TripFeatures, { charter, slices: ["origin"] });
  // @ts-expect-error Type '"label"' is not assignable
  Evaluate.decisions(TripFeatures, { charter, slices: ["label"] });
});

it("asks about fairness and segments by kept columns, and about outages of features", () => {
  Evaluate.decisions(TripFeatures, {
    charter,
    fairness: { by: ["origin"] },
    segments: { columns: ["origin"] },
    robustness: { maxFall: 1, outages: ["x"] },
  });
  // @ts-expect-error Type '"late"' is not assignable to type
  Evaluate.decisions(TripFeatures, { charter, fairness: { by: ["late"] } });
  // @ts-expect-error Type '"label"' is not assignable to type
  Evaluate.decisions(TripFeatures, { charter, robustness: { maxFall: 1, outages: ["label"] } });
});

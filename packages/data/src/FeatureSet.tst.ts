/** What the types of feature sets say about requests, kinds of features and features of features. */
import { Column, Contract } from "@ml-pipe/core";
import { expectTypeOf, it } from "vitest";
import type * as Expr from "./Expr.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as Features from "./Features.ts";
import * as History from "./History.ts";
import * as Transform from "./Transform.ts";

const Trip = Contract.make("trip", {
  version: "1",
  owner: "lab",
  eventTime: "at",
  columns: {
    at: Column.timestamp(),
    from: Column.string(),
    km: Column.float({ nullable: true }),
    minutes: Column.float({ availableAt: "outcome" }),
  },
});
const common = {
  version: "1",
  of: Trip,
  decidedAt: "at",
  label: ($: Expr.Columns<typeof Trip>) => $.minutes.gt(30),
} as const;

it("a request has the columns that are known at the decision, and features have names", () => {
  const Set = FeatureSet.make("set", { ...common, features: ($) => ({ km: $.km }) });
  const row = Set.row({ at: new Date(0), from: "A", km: null });
  expectTypeOf(row).toEqualTypeOf<{ readonly km: number | null }>();
  // @ts-expect-error Type 'string' is not assignable to type 'number'
  Set.row({ at: new Date(0), from: "A", km: "far" });
  // @ts-expect-error 'minutes' does not exist in type
  Set.row({ at: new Date(0), from: "A", km: 1, minutes: 3 });
});

it("features with histories need a state, so that a request alone is not enough", () => {
  const lately = ($: Expr.Columns<typeof Trip>) =>
    History.count({ by: [$.from], knownAt: $.at, window: "1 day", hop: "1 hour" });
  const Set = FeatureSet.make("set", {
    ...common,
    features: ($) => ({ lately: lately($), km: $.km, share: lately($).dividedBy($.km) }),
  });
  // @ts-expect-error 'at' does not exist in type 'HistoriesNeedAState'
  Set.row({ at: new Date(0) });
  type F = ReturnType<typeof features>;
  const features = ($: Expr.Columns<typeof Trip>) => ({
    lately: lately($).times(2),
    km: $.km.plus(1),
    share: lately($).dividedBy($.km),
  });
  expectTypeOf<FeatureSet.Kind<F["lately"]>>().toEqualTypeOf<"stored">();
  expectTypeOf<FeatureSet.Kind<F["km"]>>().toEqualTypeOf<"on-demand">();
  expectTypeOf<FeatureSet.Kind<F["share"]>>().toEqualTypeOf<"on-demand">();
});

it("only what depends on the entity and the time alone is materialised", () => {
  const features = ($: Expr.Columns<typeof Trip>) => ({
    lately: History.count({ by: [$.from], knownAt: $.at, window: "1 day", hop: "1 hour" }),
    km: $.km,
  });
  const Stateful = FeatureSet.make("set", { ...common, features });
  Features.materialise(Stateful, { until: "2001-06-01" });
  const Stateless = FeatureSet.make("set", { ...common, features: ($) => ({ km: $.km }) });
  // @ts-expect-error "no feature depends on the entity and the time alone"
  Features.materialise(Stateless, { until: "2001-06-01" });
  // What is fitted on the training rows is no feature of a set, and has no state.
  const scaled = Transform.make(Stateful, ($) => ({ km: Transform.scale($.km) }));
  // @ts-expect-error is missing the following properties from type 'FeatureSet<
  Features.materialise(scaled, { until: "2001-06-01" });
  // @ts-expect-error is not assignable to type
  FeatureSet.make("set", { ...common, features: ($) => ({ km: Transform.scale($.km) }) });
});

it("a derived feature reads the features before it, and no other: a cycle cannot be written", () => {
  FeatureSet.make("set", {
    ...common,
    features: ($) => ({ km: $.km, far: $.km.gt(10) }),
    // @ts-expect-error Property 'half' does not exist on type '{ readonly km: NumberExpr<"decision">;
    derived: (feature) => ({ half: feature.km.dividedBy(2), quarter: feature.half.dividedBy(2) }),
  });
  FeatureSet.make("set", {
    ...common,
    features: ($) => ({ km: $.km }),
    // @ts-expect-error Type '"outcome"' is not assignable to type '"decision" | "stored"'
    derived: (feature, $) => ({ speed: feature.km.dividedBy($.minutes) }),
  });
});

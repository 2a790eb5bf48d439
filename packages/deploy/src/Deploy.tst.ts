import {
  type Approval,
  type Artifact,
  type Charter,
  Column,
  Contract,
  type Metric,
  type Ref,
  Stage,
  Verdict,
} from "@ml-pipe/core";
import {
  type Duckdb,
  FeatureSet,
  Interactions,
  type Model,
  type Recommendations,
  type Recommender,
  type Release,
  System,
  type Table,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import { expectTypeOf, it } from "vitest";
import * as Deploy from "./Deploy.ts";
import { openRelease, openReleaseAsync } from "./embed.ts";
import { Registry } from "./Registry.ts";

const Trip = Contract.make("trip", {
  version: "1",
  owner: "lab",
  columns: { at: Column.timestamp(), delay: Column.int({ availableAt: "outcome" }) },
});
const features = <const Name extends string>(name: Name) =>
  FeatureSet.make(name, {
    version: "1",
    of: Trip,
    decidedAt: "at",
    features: ($) => ({ hour: $.at.hourOfDay() }),
    label: ($) => $.delay.gt(15),
  });
const TripFeatures = features("trip-features");
const OtherFeatures = features("other-features");

declare const charter: Charter.Charter<Metric.DecisionMetric>;
declare const errors: Charter.Charter<Metric.NumberMetric>;
declare const model: Ref.Ref<Model.Model<typeof TripFeatures.contract>, never, never>;
declare const other: Ref.Ref<Model.Model<typeof OtherFeatures.contract>, never, never>;
declare const passed: Ref.Ref<Verdict.Verdict<"passed">, never, never>;
declare const rejected: Ref.Ref<Verdict.Verdict<"rejected">, never, never>;
declare const unknown: Ref.Ref<Verdict.Verdict, never, never>;
declare const history: Ref.Ref<Table.Table<typeof Trip, "checked">, never, never>;
declare const raw: Ref.Ref<Table.Table<typeof Trip, "raw">, never, never>;

const options = { charter, knownUntil: "2001-06-01" };
const deploy = Deploy.release(TripFeatures, options);

it("releases a model with a passed verdict", () => {
  expectTypeOf(deploy({ model, verdict: passed, history })).toExtend<
    Ref.Ref<Release.Release<typeof TripFeatures.contract>, Deploy.ReleaseError, Deploy.ReleaseNeeds>
  >();
});

it("does not release a rejected model", () => {
  // @ts-expect-error Type '"rejected"' is not assignable to type '"passed"'
  deploy({ model, verdict: rejected, history });
});

it("does not release a model whose verdict may be anything, before the gate", () => {
  // @ts-expect-error is not assignable to type '"passed"'
  deploy({ model, verdict: unknown, history });
  deploy({ model, verdict: Verdict.gate({ verdict: unknown }), history });
});

it("does not release a model that nobody judged", () => {
  // @ts-expect-error Property 'verdict' is missing
  deploy({ model, history });
});

it("does not release a model of another feature set", () => {
  // @ts-expect-error Type '"other-features"' is not assignable to type '"trip-features"'
  deploy({ model: other, verdict: passed, history });
});

it("does not take histories from rows that were not checked", () => {
  // @ts-expect-error Type '"raw"' is not assignable to type '"checked"'
  deploy({ model, verdict: passed, history: raw });
});

it("answers what its charter measures", () => {
  const Hours = FeatureSet.make("hours", {
    version: "1",
    of: Trip,
    decidedAt: "at",
    features: ($) => ({ hour: $.at.hourOfDay() }),
    label: ($) => $.delay,
  });
  Deploy.release(Hours, { charter: errors, knownUntil: "2001-06-01" });
  // @ts-expect-error Type 'number' is not assignable to type 'boolean | null'
  Deploy.release(Hours, options);
  // @ts-expect-error Type 'boolean' is not assignable to type 'number'
  Deploy.release(TripFeatures, { charter: errors, knownUntil: "2001-06-01" });
});

it("is released under a charter", () => {
  // @ts-expect-error Property 'charter' is missing
  Deploy.release(TripFeatures, { knownUntil: "2001-06-01" });
});

const careful = Deploy.release(TripFeatures, { ...options, approval: "required" });
declare const approval: Ref.Ref<Stage.Approved, never, never>;
declare const withPercent: Ref.Ref<Stage.Approved<{ readonly percent: number }>, never, never>;

it("releases with a person's approval where one is required, whatever else they were asked", () => {
  expectTypeOf(careful({ model, verdict: passed, history, approval })).toExtend<
    Ref.Ref<
      Release.Release<typeof TripFeatures.contract>,
      Deploy.ReleaseError | Approval.ApprovalVoid,
      Deploy.ReleaseNeeds
    >
  >();
  careful({ model, verdict: passed, history, approval: withPercent });
  const signOff = Stage.approval("sign-off", {
    question: "?",
    evidence: Verdict.Passed,
    approvers: ["ana"],
  });
  careful({ model, verdict: passed, history, approval: signOff({ evidence: passed }) });
});

it("does not release without the approval that it requires", () => {
  // @ts-expect-error Property 'approval' is missing
  careful({ model, verdict: passed, history });
  // @ts-expect-error is not assignable to type 'Ref<Approved<unknown>
  careful({ model, verdict: passed, history, approval: passed });
});

it("takes no approval that it would not check", () => {
  // @ts-expect-error is not assignable to type 'never'
  deploy({ model, verdict: passed, history, approval });
});

/** Runs what needs nothing any more. */
declare const runnable: <A, E>(effect: Effect.Effect<A, E>) => void;
/** Provides the services of data and artifacts, but no registry. */
declare const withTables: <A, E, R>(
  effect: Effect.Effect<A, E, R>,
) => Effect.Effect<A, E, Exclude<R, Duckdb.Duckdb | Artifact.ArtifactStore>>;
declare const input: Deploy.ReleaseInputs<typeof Trip, typeof TripFeatures.contract>;

it("does not run without a registry", () => {
  const running = withTables(deploy.run(input));
  // @ts-expect-error Type 'Registry' is not assignable to type 'never'
  runnable(running);
  runnable(running.pipe(Effect.provide(Registry.layer(".ml-pipe"))));
});

const Play = Contract.make("play", {
  version: "1",
  owner: "lab",
  columns: { member: Column.int(), song: Column.int() },
});
const Plays = Interactions.make(Play, { user: "member", item: "song" });
const Home = System.make("home", Plays, { sources: { alike: 1, charts: 1 }, length: 3 });

declare const lists: Charter.Charter<Metric.ListMetric>;
declare const recommender: Ref.Ref<Recommender.Recommender<typeof Play>, never, never>;
declare const train: Ref.Ref<Table.Table<typeof Play, "train">, never, never>;
declare const merged: Ref.Ref<Recommendations.Recommendations, never, never>;

it("releases a system with a recommender of each source, and lists with a passed verdict", () => {
  const system = Deploy.system(Home, { charter: lists });
  const inputs = { alike: recommender, charts: recommender, train, lists: merged };
  expectTypeOf(system({ ...inputs, verdict: passed })).toExtend<
    Ref.Ref<Release.SystemRelease, Deploy.SystemError, Deploy.ReleaseNeeds>
  >();
  // @ts-expect-error Type '"rejected"' is not assignable to type '"passed"'
  system({ ...inputs, verdict: rejected });
  // @ts-expect-error Property 'charts' is missing in type
  system({ alike: recommender, train, lists: merged, verdict: passed });
  // @ts-expect-error Property 'list' is missing in type
  Deploy.system(Home, { charter });
  const approved = Deploy.system(Home, { charter: lists, approval: "required" });
  // @ts-expect-error Property 'approval' is missing in type
  approved({ ...inputs, verdict: passed });
});

it("an answer at once needs a store in this process", () => {
  const store = { url: "redis://localhost" };
  void openReleaseAsync(".ml-pipe", "trips", { store });
  // @ts-expect-error 'url' does not exist in type 'StoreOptions'
  void openRelease(".ml-pipe", "trips", { store: { url: "redis://localhost" } });
});

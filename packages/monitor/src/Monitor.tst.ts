import { Column, Contract, type Ref } from "@ml-pipe/core";
import { FeatureSet, type Release, type Table } from "@ml-pipe/data";
import { expectTypeOf, it } from "vitest";
import { charter, type OtherFeatures, TripFeatures } from "../test-fixtures/trips.ts";
import * as Monitor from "./Monitor.ts";

const monitor = Monitor.daily(TripFeatures, { charter });

type Trips = typeof TripFeatures.contract;
type Others = typeof OtherFeatures.contract;

declare const release: Ref.Ref<Release.Release<Trips>>;
declare const otherRelease: Ref.Ref<Release.Release<Others>>;
declare const reference: Ref.Ref<Table.Table<Trips, "train">>;
declare const test: Ref.Ref<Table.Table<Trips, "test">>;
declare const live: Ref.Ref<Table.Table<Trips, "live">>;

it("offers its signals to hooks, by type", () => {
  const build = () => monitor({ release, reference, live });
  type Signals = ReturnType<typeof build>["signals"];
  expectTypeOf<Signals["drift"]>().toExtend<Ref.SignalRef<{ readonly feature: string }>>();
  expectTypeOf<Signals["cost"]>().toExtend<Ref.SignalRef<{ readonly gain: number }>>();
  expectTypeOf<ReturnType<typeof build>>().toExtend<Ref.Ref<Monitor.Monitoring>>();
});

it("does not watch a test table as if it were live", () => {
  // @ts-expect-error is not assignable to type '"live"'
  monitor({ release, reference, live: test });
});

it("does not compare with a test table", () => {
  // @ts-expect-error is not assignable to type '"train"'
  monitor({ release, reference: test, live });
});

it("does not watch a release of another feature set", () => {
  // @ts-expect-error is not assignable to type '"trip-features"'
  monitor({ release: otherRelease, reference, live });
});

it("watches what its charter measures", () => {
  const set = FeatureSet.make("x-features", {
    version: "1",
    of: TripFeatures.source,
    decidedAt: "at",
    features: ($) => ({ x: $.x }),
    label: ($) => $.x,
  });
  // @ts-expect-error Type 'number' is not assignable to type 'boolean | null'
  Monitor.daily(set, { charter });
});

it("does not watch by day what was decided on no day", () => {
  const Customer = Contract.make("customer", {
    version: "1",
    owner: "crm",
    columns: { months: Column.int(), left: Column.boolean({ availableAt: "outcome" }) },
  });
  const set = FeatureSet.make("customer-features", {
    version: "1",
    of: Customer,
    features: ($) => ({ months: $.months }),
    label: ($) => $.left,
  });
  // @ts-expect-error Type 'undefined' is not assignable to type 'string'
  Monitor.daily(set, { charter });
});

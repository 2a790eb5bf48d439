/** L2: the delay on arrival, as a feature. A contract that says it is known at departure is wrong. */
import { Column, Contract, Features, FeatureSet, Split, Train } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import { columns, flights } from "./flights.ts";
import { audited, type Example, rocAuc } from "./gallery.ts";

const Flight = Contract.make("flight", {
  version: "1.0.0",
  owner: "flight-operations",
  eventTime: "date",
  // With `availableAt: "outcome"`, the feature set below would not compile.
  columns: { ...columns, delay: Column.int({ unit: "min" }) },
});

const Peeking = FeatureSet.make("peeking", {
  version: "1.0.0",
  of: Flight,
  decidedAt: "date",
  label: ($) => $.delay.gt(15),
  features: ($) => ({ minute: $.date.minuteOfDay(), distance: $.distance, soFar: $.delay }),
});

const Honest = FeatureSet.make("honest", {
  version: "1.0.0",
  of: Flight,
  decidedAt: "date",
  label: ($) => $.delay.gt(15),
  features: ($) => ({ minute: $.date.minuteOfDay(), distance: $.distance }),
});

const cuts = { validation: "2001-04-15", test: "2001-05-01", live: "2001-06-01" } as const;

export const example = Effect.gen(function* () {
  const data = yield* flights(Flight);
  const peeked = yield* Split.byTime(Peeking.contract, cuts).run({
    data: yield* Features.stage(Peeking).run({ data }),
  });
  const parts = yield* Split.byTime(Honest.contract, cuts).run({
    data: yield* Features.stage(Honest).run({ data }),
  });
  const peeking = yield* Train.boostedTrees(Peeking, { maxTrees: 20 }).run(peeked);
  const model = yield* Train.boostedTrees(Honest, { maxTrees: 60 }).run(parts);
  return {
    kind: "L2",
    leaky: yield* rocAuc(Peeking, peeking, peeked.test),
    caught: yield* audited(Peeking, peeked, "leakage.single-feature"),
    honest: yield* rocAuc(Honest, model, parts.test),
  } satisfies Example;
});

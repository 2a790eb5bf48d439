/**
 * L3.1: the model knows which day it is, and a random split shows it other flights of the same days. It
 * has learnt how bad each day was; about tomorrow that says nothing.
 */
import { Column, Contract, Features, FeatureSet, Split, Train } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import { columns, flights } from "./flights.ts";
import { audited, type Example, rocAuc } from "./gallery.ts";

const Flight = Contract.make("flight", {
  version: "1.0.0",
  owner: "flight-operations",
  eventTime: "date",
  columns: { ...columns, delay: Column.int({ unit: "min", availableAt: "outcome" }) },
});

const Delay = FeatureSet.make("delay", {
  version: "1.0.0",
  of: Flight,
  decidedAt: "date",
  label: ($) => $.delay.gt(15),
  features: ($) => ({ day: $.day, minute: $.date.minuteOfDay(), distance: $.distance }),
});

const train = Train.boostedTrees(Delay, { maxTrees: 100 });
const byTime = Split.byTime(Delay.contract, {
  validation: "2001-04-15",
  test: "2001-05-01",
  live: "2001-06-01",
});
// Without the reason it does not compile: rows with an event time are split by time.
const shuffled = Split.random(Delay.contract, {
  validation: 0.2,
  test: 0.2,
  ignoreEventTime: "shows what this does to the score",
});

export const example = Effect.gen(function* () {
  const data = yield* Features.stage(Delay).run({ data: yield* flights(Flight) });
  const leaky = yield* shuffled.run({ data });
  const parts = yield* byTime.run({ data });
  const [peeked, model] = [yield* train.run(leaky), yield* train.run(parts)];
  return {
    kind: "L3.1",
    leaky: yield* rocAuc(Delay, peeked, leaky.test),
    caught: yield* audited(Delay, leaky, "leakage.time"),
    honest: yield* rocAuc(Delay, model, parts.test),
  } satisfies Example;
});

/** What the types say about lookups: keys, columns, when they are known, and the tables of stages. */
import { Column, Contract } from "@ml-pipe/core";
import { expectTypeOf, it } from "vitest";
import * as Expr from "./Expr.ts";
import * as Features from "./Features.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as Lookup from "./Lookup.ts";
import type * as Table from "./Table.ts";

const Flight = Contract.make("flight", {
  version: "1",
  owner: "operations",
  eventTime: "at",
  columns: {
    at: Column.timestamp(),
    origin: Column.string(),
    seats: Column.int(),
    diverted: Column.string({ availableAt: "outcome" }),
    delay: Column.int({ availableAt: "outcome" }),
  },
});
const Weather = Contract.make("weather", {
  version: "1",
  owner: "meteo",
  eventTime: "observedAt",
  key: ["airport", "observedAt"],
  columns: {
    airport: Column.string(),
    observedAt: Column.timestamp(),
    wind: Column.float({ nullable: true }),
    sky: Column.string(),
  },
});
const Plain = Contract.make("plain", {
  version: "1",
  owner: "x",
  columns: { airport: Column.string() },
});
const hourly = { tolerance: "6 hours", hop: "1 hour" } as const;
const common = { version: "1", of: Flight, decidedAt: "at" } as const;

const Set = FeatureSet.make("set", {
  ...common,
  lookups: ($) => ({ weather: Lookup.newest(Weather, { by: { airport: $.origin }, ...hourly }) }),
  features: ($, { weather }) => ({
    wind: weather.wind,
    fog: weather.sky.equals("fog"),
    load: weather.wind.times($.seats),
  }),
  label: ($) => $.delay.gt(15),
});

it("what is looked up has the type of its column, and depends on the entity and the time alone", () => {
  FeatureSet.make("other", {
    ...common,
    lookups: ($) => ({ weather: Lookup.newest(Weather, { by: { airport: $.origin }, ...hourly }) }),
    features: ($, { weather }) => {
      expectTypeOf(weather.wind).toEqualTypeOf<Expr.NumberExpr<"stored">>();
      expectTypeOf(weather.sky).toEqualTypeOf<Expr.StringExpr<"stored">>();
      // @ts-expect-error Property 'rain' does not exist on type
      void weather.rain;
      // @ts-expect-error Argument of type 'string' is not assignable to parameter of type
      weather.wind.gt("strong");
      // @ts-expect-error Argument of type 'StringExpr<"decision">' is not assignable
      weather.wind.plus($.origin);
      return { wind: weather.wind };
    },
    label: ($) => $.delay.gt(15),
  });
  // Features of it need a state: a request alone is not enough.
  // @ts-expect-error 'at' does not exist in type 'HistoriesNeedAState'
  Set.row({ at: new Date(0) });
});

it("a key is a column of the same type that is known at the decision", () => {
  const $ = Expr.columns(Flight);
  // @ts-expect-error Type 'NumberExpr<"decision">' is not assignable to type 'Expr<string, "decision">'
  Lookup.newest(Weather, { by: { airport: $.seats }, ...hourly });
  // @ts-expect-error Type '"outcome"' is not assignable to type '"decision"'
  Lookup.newest(Weather, { by: { airport: $.diverted }, ...hourly });
  // @ts-expect-error 'port' does not exist in type
  Lookup.newest(Weather, { by: { port: $.origin }, ...hourly });
  // @ts-expect-error Type 'Date' is not assignable to type 'never'
  Lookup.newest(Weather, { by: { observedAt: $.at }, ...hourly });
  // @ts-expect-error Type 'undefined' is not assignable to type 'string'
  Lookup.newest(Plain, { by: { airport: $.origin }, ...hourly });
  Lookup.newest(Weather, {
    by: { airport: $.origin },
    ...hourly,
    // @ts-expect-error Type '(weather: Columns<Contract<
    knownAt: (weather) => weather.wind,
  });
});

it("stages take the tables of lookups by name", () => {
  const stage = Features.stage(Set);
  type Inputs = Parameters<typeof stage.run>[0];
  expectTypeOf<Inputs["weather"]>().toEqualTypeOf<Table.Table<typeof Weather, "checked">>();
  const run = (flights: Table.Table<typeof Flight, "checked">) =>
    // @ts-expect-error Property 'weather' is missing in type
    stage.run({ data: flights });
  expectTypeOf(run).toBeFunction();
  const materialise = Features.materialise(Set, { until: "2001-06-01" });
  const wrong = (flights: Table.Table<typeof Flight, "checked">) =>
    // @ts-expect-error Type '"flight"' is not assignable to type '"weather"'
    materialise.run({ data: flights, weather: flights });
  expectTypeOf(wrong).toBeFunction();
});

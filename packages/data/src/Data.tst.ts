/** What must not compile, with the words that the author of a pipeline sees. */
import { Column, Contract, Stage } from "@ml-pipe/core";
import type { Digest } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { expectTypeOf, it } from "vitest";
import * as Expr from "./Expr.ts";
import * as Features from "./Features.ts";
import * as FeatureSet from "./FeatureSet.ts";
import * as History from "./History.ts";
import * as Model from "./Model.ts";
import * as Rule from "./Rule.ts";
import * as Split from "./Split.ts";
import * as Table from "./Table.ts";

const columns = {
  date: Column.timestamp(),
  landed: Column.timestamp({ availableAt: "outcome" }),
  planned: Column.timestamp({ nullable: true }),
  delay: Column.int({ unit: "min", availableAt: "outcome" }),
  distance: Column.int({ unit: "mi" }),
  weight: Column.float({ nullable: true }),
  origin: Column.string(),
  held: Column.boolean(),
};
const Flight = Contract.make("flight", { version: "1", owner: "ops", columns, eventTime: "date" });
const Train = Contract.make("train", { version: "1", owner: "rail", columns, eventTime: "date" });
const $ = Expr.columns(Flight);

const FlightFeatures = FeatureSet.make("flight-features", {
  version: "1",
  of: Flight,
  decidedAt: "date",
  keep: ["origin", "delay"],
  label: ($) => $.delay.gt(15),
  features: ($) => ({ distance: $.distance, held: $.held }),
});

declare const digest: Digest.Digest;
declare const flights: Table.Table<typeof Flight, "train">;
declare const tests: Table.Table<typeof Flight, "test">;
declare const trains: Table.Table<typeof Train, "train">;

const fit = Stage.make("fit", {
  input: { data: Table.of(Flight, "train") },
  output: Schema.Int,
  run: ({ data }) => Effect.succeed(data.rows),
});

it("a stage takes its own contract and role", () => {
  fit.run({ data: flights });
  // @ts-expect-error Type '"test"' is not assignable to type '"train"'
  fit.run({ data: tests });
  // @ts-expect-error Type '"train"' is not assignable to type '"flight"'
  fit.run({ data: trains });
});

it("a row has the types of its columns", () => {
  expectTypeOf<Contract.Row<typeof Flight>>().toEqualTypeOf<{
    readonly date: Date;
    readonly landed: Date;
    readonly planned: Date | null;
    readonly delay: number;
    readonly distance: number;
    readonly weight: number | null;
    readonly origin: string;
    readonly held: boolean;
  }>();
});

it("an expression has the operations of its type", () => {
  expectTypeOf($.distance).toEqualTypeOf<Expr.NumberExpr<"decision">>();
  expectTypeOf($.weight).toEqualTypeOf<Expr.NumberExpr<"decision">>();
  expectTypeOf($.origin).toEqualTypeOf<Expr.StringExpr<"decision">>();
  expectTypeOf($.held).toEqualTypeOf<Expr.BooleanExpr<"decision">>();
  expectTypeOf($.landed).toEqualTypeOf<Expr.TimeExpr<"outcome">>();
  // @ts-expect-error Argument of type 'string' is not assignable to parameter of type 'Operand<number, never>'
  $.distance.gt("x");
  // @ts-expect-error is not assignable to parameter of type
  $.distance.plus($.origin);
  // @ts-expect-error Property 'plus' does not exist on type 'StringExpr<"decision">'
  $.origin.plus(1);
  // @ts-expect-error Property 'hourOfDay' does not exist on type 'NumberExpr<"decision">'
  $.distance.hourOfDay();
  // @ts-expect-error Property 'altitude' does not exist
  $.altitude.isNull();
});

it("what is known of an expression is what is known of its parts", () => {
  expectTypeOf($.distance.plus(1).availableAt).toEqualTypeOf<"decision">();
  expectTypeOf($.distance.plus($.delay).availableAt).toEqualTypeOf<"decision" | "outcome">();
  expectTypeOf($.date.plusMinutes($.delay).availableAt).toEqualTypeOf<"decision" | "outcome">();
});

it("a feature is known at the decision", () => {
  FeatureSet.make("peek", {
    version: "1",
    of: Flight,
    decidedAt: "date",
    label: ($) => $.delay.gt(15),
    // @ts-expect-error Type '"outcome"' is not assignable to type '"decision" | "stored"'
    features: ($) => ({ delay: $.delay }),
  });
  FeatureSet.make("peek", {
    version: "1",
    of: Flight,
    decidedAt: "date",
    label: ($) => $.delay.gt(15),
    // @ts-expect-error Type '"outcome"' is not assignable to type '"decision" | "stored"'
    features: ($) => ({ late: $.delay.gt(15).and($.distance.gt(100)) }),
  });
  FeatureSet.make("text", {
    version: "1",
    of: Flight,
    decidedAt: "date",
    label: ($) => $.delay.gt(15),
    // @ts-expect-error is not assignable to type 'number | boolean'
    features: ($) => ({ origin: $.origin }),
  });
});

it("a decision is made at an instant that is known by then, and never missing", () => {
  const common = { version: "1", of: Flight, label: ($: Expr.Columns<typeof Flight>) => $.held };
  FeatureSet.make("ok", { ...common, decidedAt: "date", features: () => ({}) });
  // @ts-expect-error Type '"landed"' is not assignable to type '"date"'
  FeatureSet.make("late", { ...common, decidedAt: "landed", features: () => ({}) });
  // @ts-expect-error Type '"planned"' is not assignable to type '"date"'
  FeatureSet.make("null", { ...common, decidedAt: "planned", features: () => ({}) });
  // @ts-expect-error Type '"origin"' is not assignable to type '"date"'
  FeatureSet.make("text", { ...common, decidedAt: "origin", features: () => ({}) });
});

it("a feature set of rows without an event time may leave the moment of the decision out", () => {
  const Patient = Contract.make("patient", {
    version: "1",
    owner: "ward",
    columns: { clinic: Column.string(), age: Column.int(), well: Column.boolean() },
    group: "clinic",
  });
  const set = FeatureSet.make("patient-features", {
    version: "1",
    of: Patient,
    label: ($) => $.well,
    features: ($) => ({ age: $.age }),
  });
  expectTypeOf(set.contract.eventTime).toEqualTypeOf<undefined>();
  expectTypeOf(set.contract.group).toEqualTypeOf<"clinic">();
  expectTypeOf<Contract.Row<typeof set.contract>>().toEqualTypeOf<{
    readonly age: number | null;
    readonly clinic: string;
    readonly label: boolean | null;
  }>();
  const common = { version: "1", of: Flight, label: ($: Expr.Columns<typeof Flight>) => $.held };
  // @ts-expect-error Property 'decidedAt' is missing in type
  FeatureSet.make("undecided", { ...common, features: () => ({}) });
});

it("a label is yes or no, a number or a class, and a stage takes those that it can handle", () => {
  const common = { version: "1", of: Flight, decidedAt: "date" } as const;
  const features = ($: Expr.Columns<typeof Flight>) => ({ distance: $.distance });
  const Late = FeatureSet.make("late", { ...common, features, label: ($) => $.delay.gt(15) });
  const Delay = FeatureSet.make("delay", { ...common, features, label: ($) => $.delay });
  const Origin = FeatureSet.make("origin", { ...common, features, label: ($) => $.origin });
  type LabelOf<S extends FeatureSet.FeatureSet> = Contract.Row<S["contract"]>["label"];
  expectTypeOf<LabelOf<typeof Late>>().toEqualTypeOf<boolean | null>();
  expectTypeOf<LabelOf<typeof Delay>>().toEqualTypeOf<number | null>();
  expectTypeOf<LabelOf<typeof Origin>>().toEqualTypeOf<string | null>();
  const decides = <Out extends FeatureSet.Labelled<boolean>>(
    set: FeatureSet.FeatureSet<Contract.Contract, Out>,
  ) => set.digest;
  decides(Late);
  // @ts-expect-error Type 'number' is not assignable to type 'boolean | null'
  decides(Delay);
  // @ts-expect-error Type 'string' is not assignable to type 'boolean | null'
  decides(Origin);
  FeatureSet.make("date", {
    ...common,
    features,
    // @ts-expect-error Type 'TimeExpr<"decision">' is not assignable to type 'Expr<LabelValue
    label: ($) => $.date,
  });
});

it("a history is taken by what is known at the decision, and is known then itself", () => {
  const options = { knownAt: $.landed, window: "1 day", hop: "1 hour" } as const;
  const late = History.mean($.delay.gt(15), { ...options, by: [$.origin] });
  expectTypeOf(late).toEqualTypeOf<Expr.NumberExpr<"stored">>();
  // @ts-expect-error Type '"outcome"' is not assignable to type '"decision"'
  History.count({ ...options, by: [$.delay] });
  // @ts-expect-error Type 'Date' is not assignable to type 'string | number | boolean'
  History.count({ ...options, by: [$.date] });
  // @ts-expect-error Type 'string' is not assignable to type 'number | boolean'
  History.mean($.origin, { ...options, by: [$.origin] });
  // @ts-expect-error Type 'number' is not assignable to type 'Date'
  History.count({ ...options, by: [$.origin], knownAt: $.delay });
});

it("a feature table has its features, the kept columns and the label", () => {
  type Made = typeof FlightFeatures.contract;
  expectTypeOf<Contract.Row<Made>>().toEqualTypeOf<{
    readonly distance: number | null;
    readonly held: number | null;
    readonly date: Date;
    readonly origin: string;
    readonly delay: number;
    readonly label: boolean | null;
  }>();
  expectTypeOf<Made["name"]>().toEqualTypeOf<"flight-features">();
  expectTypeOf<Contract.ColumnsAt<Made, "outcome">>().toEqualTypeOf<"delay" | "label">();
});

it("a rule does not read the label, nor a kept outcome", () => {
  const rule = (
    when: ($: Expr.Columns<typeof FlightFeatures.contract>) => Expr.Expr<boolean, "decision">,
  ) => Rule.baseline(FlightFeatures.contract, { name: "rule", description: "", when });
  rule(($) => $.distance.gt(1000));
  // @ts-expect-error Type '"outcome"' is not assignable to type '"decision"'
  rule(($) => $.label);
  // @ts-expect-error Type '"outcome"' is not assignable to type '"decision"'
  rule(($) => $.delay.gt(15));
});

it("stages hand on contracts and roles", () => {
  const features = Features.stage(FlightFeatures);
  const split = Split.byTime(FlightFeatures.contract, {
    validation: "2001-04-15",
    test: "2001-05-01",
    live: "2001-06-01",
  });
  type Made = typeof FlightFeatures.contract;
  expectTypeOf<Effect.Success<ReturnType<typeof features.run>>>().toEqualTypeOf<
    Table.Table<Made, "checked">
  >();
  expectTypeOf<Effect.Success<ReturnType<typeof split.run>>>().toEqualTypeOf<{
    readonly train: Table.Table<Made, "train">;
    readonly validation: Table.Table<Made, "validation">;
    readonly test: Table.Table<Made, "test">;
    readonly live: Table.Table<Made, "live">;
  }>();
  // @ts-expect-error Type '"train"' is not assignable to type '"checked"'
  features.run({ data: flights });
});

it("a model fits its own feature set", () => {
  const Other = FeatureSet.make("other-features", {
    version: "1",
    of: Flight,
    decidedAt: "date",
    label: ($) => $.delay.gt(15),
    features: ($) => ({ distance: $.distance }),
  });
  const judge = Stage.make("judge", {
    input: { model: Model.of(FlightFeatures) },
    output: Schema.String,
    run: ({ model }) => Effect.succeed(model.kind),
  });
  const any: Model.AnyModel = {
    featureSet: { name: "other-features", digest },
    kind: "",
    document: { digest, bytes: 1, mediaType: "" },
    trainedOn: { split: null, table: digest, rows: 1 },
  };
  const other: Model.Model<typeof Other.contract> = {
    ...any,
    featureSet: { name: "other-features", digest },
  };
  // @ts-expect-error Type '"other-features"' is not assignable to type '"flight-features"'
  judge.run({ model: other });
});

/** Splits that must not compile, with the words that the author sees. */
import { Column, Contract } from "@ml-pipe/core";
import type * as Effect from "effect/Effect";
import { expectTypeOf, it } from "vitest";
import * as Split from "./Split.ts";
import type * as Table from "./Table.ts";

const about = {
  version: "1",
  owner: "lab",
  columns: { at: Column.timestamp(), who: Column.string(), x: Column.float() },
} as const;
const Plain = Contract.make("plain", about);
const Dated = Contract.make("dated", { ...about, eventTime: "at" });
const Grouped = Contract.make("grouped", { ...about, group: "who" });
const Both = Contract.make("both", { ...about, eventTime: "at", group: "who" });
declare const tests: Table.Table<typeof Plain, "test">;
declare const unknownContract: Contract.Contract;

const shares = { validation: 0.2, test: 0.2 };
const cuts = { validation: "2001-04-15", test: "2001-05-01", live: "2001-06-01" };

it("rows with neither time nor group are split at random", () => {
  const split = Split.random(Plain, { ...shares, stratify: "x", duplicates: "drop", seed: 3 });
  expectTypeOf<Effect.Success<ReturnType<typeof split.run>>>().toEqualTypeOf<{
    readonly train: Table.Table<typeof Plain, "train">;
    readonly validation: Table.Table<typeof Plain, "validation">;
    readonly test: Table.Table<typeof Plain, "test">;
  }>();
  // @ts-expect-error Type '"y"' is not assignable to type '"at" | "who" | "x"
  Split.random(Plain, { ...shares, stratify: "y" });
  // @ts-expect-error 'tests' does not exist in type
  Split.random(Plain, { validation: 0.2, test: 0.2, tests: 0.2 });
  // @ts-expect-error Refused<"the contract has no event time to split by
  Split.byTime(Plain, cuts);
  // @ts-expect-error Refused<"the contract has no group to split by
  Split.byGroup(Plain, shares);
});

it("rows with an event time are not split at random, unless for a reason", () => {
  Split.byTime(Dated, cuts);
  // @ts-expect-error Refused<"rows with an event time are split by time: use Split.byTime
  Split.random(Dated, shares);
  // @ts-expect-error Refused<"rows with an event time are split by time: use Split.byTime
  Split.random(Dated, { ...shares, ignoreGroup: "of no use here" });
  Split.random(Dated, { ...shares, ignoreEventTime: "the time is that of the export" });
  // @ts-expect-error Refused<"the contract has no group to split by
  Split.byTimeAndGroup(Dated, cuts);
});

it("rows of a group are split by group, unless for a reason", () => {
  Split.byGroup(Grouped, shares);
  // @ts-expect-error Refused<"rows that belong to a group are split by group: use Split.byGroup
  Split.random(Grouped, shares);
  Split.random(Grouped, { ...shares, ignoreGroup: "every customer was seen before" });
  // @ts-expect-error Refused<"the contract has no event time to split by
  Split.byTimeAndGroup(Grouped, cuts);
});

it("rows with both are split by both", () => {
  const split = Split.byTimeAndGroup(Both, cuts);
  expectTypeOf<Effect.Success<ReturnType<typeof split.run>>["live"]>().toEqualTypeOf<
    Table.Table<typeof Both, "live">
  >();
  // @ts-expect-error Refused<"rows that belong to a group are split by group
  Split.byTime(Both, cuts);
  Split.byTime(Both, { ...cuts, ignoreGroup: "regulars are who we serve" });
  // @ts-expect-error Refused<"rows with an event time are split by time
  Split.byGroup(Both, shares);
});

it("folds respect what the contract has", () => {
  const folds = Split.kFold(Grouped, { folds: 3, stratify: "x" });
  expectTypeOf<Effect.Success<ReturnType<typeof folds.run>>>().toEqualTypeOf<
    ReadonlyArray<Split.Fold<typeof Grouped>>
  >();
  expectTypeOf<Split.Fold<typeof Grouped>["train"]>().toEqualTypeOf<
    Table.Table<typeof Grouped, "train">
  >();
  // @ts-expect-error Refused<"rows with an event time are split by time: use Split.byTime or Split.rollingOrigin
  Split.kFold(Dated);
  Split.kFold(Dated, { ignoreEventTime: "the time is that of the export" });
  const rolling = { first: "2001-03-01", folds: 4, horizon: "14 days" } as const;
  Split.rollingOrigin(Dated, rolling);
  // @ts-expect-error Refused<"the contract has no event time
  Split.rollingOrigin(Plain, rolling);
  // @ts-expect-error Refused<"rows that belong to a group are split by group
  Split.rollingOrigin(Both, rolling);
});

it("a test table is not what folds are made of", () => {
  // @ts-expect-error Type '"test"' is not assignable to type
  Split.kFold(Plain).run({ data: tests });
});

it("a contract of which nothing is known is not split at random", () => {
  // @ts-expect-error Refused<"rows with an event time are split by time
  Split.random(unknownContract, shares);
});

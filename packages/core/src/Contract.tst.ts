import { describe, expectTypeOf, it } from "vitest";
import type * as Check from "./Check.ts";
import * as Column from "./Column.ts";
import * as Contract from "./Contract.ts";

const columns = {
  at: Column.timestamp(),
  readAt: Column.timestamp({ nullable: true }),
  patient: Column.string(),
  dose: Column.float({ nullable: true }),
};

declare const ofDose: Check.Check<{ readonly dose: number | null }>;
declare const ofWeight: Check.Check<{ readonly weight: number | null }>;
declare const ofPatientAsNumber: Check.Check<{ readonly patient: number | null }>;

const about = { version: "1", owner: "lab", columns } as const;

describe("event time and group", () => {
  it("are in the type", () => {
    const visits = Contract.make("visits", { ...about, eventTime: "at", group: "patient" });
    expectTypeOf(visits.eventTime).toEqualTypeOf<"at">();
    expectTypeOf(visits.group).toEqualTypeOf<"patient">();
    const plain = Contract.make("plain", about);
    expectTypeOf(plain.eventTime).toEqualTypeOf<undefined>();
    expectTypeOf(plain.group).toEqualTypeOf<undefined>();
  });
  it("are columns of the right type", () => {
    // @ts-expect-error Type '"dose"' is not assignable to type '"at"'
    Contract.make("visits", { ...about, eventTime: "dose" });
    // @ts-expect-error is not assignable to type '"at" | "dose" | "patient"
    Contract.make("visits", { ...about, group: "ward" });
    Contract.make("visits", { ...about, knownAt: "readAt" });
    // @ts-expect-error Type '"readAt"' is not assignable to type '"at"'
    Contract.make("visits", { ...about, eventTime: "readAt" });
    // @ts-expect-error Type '"dose"' is not assignable to type '"at" | "readAt"'
    Contract.make("visits", { ...about, knownAt: "dose" });
  });
});

describe("the label", () => {
  const withOutcome = {
    ...about,
    columns: { ...columns, recovered: Column.boolean({ availableAt: "outcome" }) },
  } as const;
  it("is known only at the outcome", () => {
    Contract.make("visits", { ...withOutcome, label: "recovered" });
    // @ts-expect-error Type '"dose"' is not assignable to type '"recovered"'
    Contract.make("visits", { ...withOutcome, label: "dose" });
  });
});

describe("expectations", () => {
  it("are about columns that the contract has, of their type", () => {
    Contract.make("visits", { ...about, expectations: [ofDose] });
    // @ts-expect-error Property 'weight' is missing
    Contract.make("visits", { ...about, expectations: [ofWeight] });
    // @ts-expect-error Type 'string' is not assignable to type 'number'
    Contract.make("visits", { ...about, expectations: [ofPatientAsNumber] });
  });
});

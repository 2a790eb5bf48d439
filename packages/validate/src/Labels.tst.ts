import { Column, Contract, type Digest } from "@ml-pipe/core";
import { FeatureSet, type Model, type OutOfFold, type Table } from "@ml-pipe/data";
import { it } from "vitest";
import * as Labels from "./Labels.ts";

const Trip = Contract.make("trip", {
  version: "1",
  owner: "fleet",
  columns: { km: Column.float(), late: Column.boolean({ availableAt: "outcome" }) },
});
const set = FeatureSet.make("trip-features", {
  version: "1",
  of: Trip,
  features: ($) => ({ km: $.km }),
  label: ($) => $.late,
});
type Out = typeof set.contract;
const suspects = Labels.suspects(set);

declare const data: Table.Table<Out, "train">;
declare const test: Table.Table<Out, "test">;
declare const outOfFold: OutOfFold.OutOfFold<Out>;
declare const model: Model.Model<Out>;
declare const table: Table.Table<Out, "raw">;
declare const digest: Digest.Digest;

it("wrong labels are looked for with out-of-fold probabilities only", () => {
  suspects.run({ data, outOfFold });
  // @ts-expect-error is missing the following properties from type 'OutOfFold<
  suspects.run({ data, outOfFold: model });
  // @ts-expect-error is missing the following properties from type 'OutOfFold<
  suspects.run({ data, outOfFold: table });
  const made = {
    featureSet: { name: "trip-features", digest },
    table: digest,
    rows: 1,
    kind: "a model that has seen the rows",
    signature: { _tag: "probability" },
    folds: { count: 5, by: "random" },
    data: { digest, bytes: 1, mediaType: "" },
  } as const;
  // @ts-expect-error Property '[proof]' is missing in type
  suspects.run({ data, outOfFold: made });
  // @ts-expect-error Type '"test"' is not assignable to type '"train"'
  suspects.run({ data: test, outOfFold });
});

it("labels are compared between tables of one contract in the roles that were named", () => {
  const drift = Labels.drift(set.contract, { reference: "train", current: "test" });
  drift.run({ reference: data, current: test });
  // @ts-expect-error Type '"test"' is not assignable to type '"train"'
  drift.run({ reference: test, current: test });
  // @ts-expect-error is not assignable to type 'CheckedRole'
  Labels.drift(set.contract, { reference: "train", current: "raw" });
  // @ts-expect-error is not assignable to type
  Labels.drift(set.contract, { reference: "train", current: "test", label: "minutes" });
});

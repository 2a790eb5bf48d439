/** What does not compile of systems that decide. */
import { Column, Contract } from "@ml-pipe/core";
import { expectTypeOf, it } from "vitest";
import * as DecisionSystem from "./DecisionSystem.ts";
import * as FeatureSet from "./FeatureSet.ts";

const Payment = Contract.make("payment", {
  version: "1",
  owner: "payments",
  columns: {
    amount: Column.float(),
    land: Column.string(),
    paid: Column.float({ availableAt: "outcome" }),
    fraud: Column.boolean({ availableAt: "outcome" }),
  },
});
const Payments = FeatureSet.make("payments", {
  version: "1",
  of: Payment,
  keep: ["amount", "paid"],
  features: ($) => ({ size: $.amount }),
  label: ($) => $.fraud,
});

it("rules read kept columns, of what is known at the decision", () => {
  DecisionSystem.make("checks", Payments, ($) => [DecisionSystem.always("large", $.amount.gt(9))]);
  const wrong = () => {
    // @ts-expect-error Property 'land' does not exist on type
    DecisionSystem.make("checks", Payments, ($) => [DecisionSystem.never("at home", $.land)]);
    DecisionSystem.make("checks", Payments, ($) => [
      // @ts-expect-error Type '"outcome"' is not assignable to type '"decision"'
      DecisionSystem.never("paid", $.paid.gt(0)),
    ]);
  };
  expectTypeOf(wrong).toBeFunction();
});

/** Customers of a telephone company: who is going to leave? The rows have no time. */
import { fileURLToPath } from "node:url";
import {
  Charter,
  Column,
  Contract,
  Duckdb,
  Features,
  FeatureSet,
  Rule,
  Table,
} from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";

export const Customer = Contract.make("customer", {
  version: "1.0.0",
  owner: "billing",
  key: ["line"],
  columns: {
    line: Column.int({ description: "number of the line in the file" }),
    tenure: Column.int({ unit: "months" }),
    monthly: Column.float({ unit: "USD" }),
    total: Column.float({ unit: "USD", nullable: true }),
    contract: Column.string(),
    internet: Column.string(),
    payment: Column.string(),
    paperless: Column.boolean(),
    partner: Column.boolean(),
    churn: Column.boolean({ availableAt: "outcome" }),
  },
});

export const Churn = FeatureSet.make("churn", {
  version: "1.0.0",
  of: Customer,
  keep: ["line"],
  label: ($) => $.churn,
  features: ($) => ({
    tenure: $.tenure,
    monthly: $.monthly,
    total: $.total,
    monthToMonth: $.contract.equals("Month-to-month"),
    twoYears: $.contract.equals("Two year"),
    fibre: $.internet.equals("Fiber optic"),
    check: $.payment.equals("Electronic check"),
    paperless: $.paperless,
    partner: $.partner,
  }),
});

export const charter = Charter.make({
  title: "Keep customers who are about to leave",
  decision: {
    question: "offer this customer a discount?",
    madeAt: "the monthly bill",
    actor: "retention team",
    outcomeKnownAfter: "30 days",
  },
  metric: {
    name: "expected cost",
    unit: "USD per customer",
    costs: { truePositive: 50, falsePositive: 50, falseNegative: 200, trueNegative: 0 },
  },
  baseline: Rule.baseline(Churn.contract, {
    name: "new customers",
    description: "offer it in the first year",
    when: ($) => $.tenure.lte(12),
  }),
  smallestGain: 1,
  surface: "a line on the bill",
  kill: { on: "2037-12-31", criterion: "no gain after a year" },
  owner: "retention",
});

const file = Duckdb.literal(
  fileURLToPath(new URL("../churn/data/telco-churn.csv.gz", import.meta.url)),
);

/** The file as columns of the contract, in SQL. */
export const customersSql = `(
  SELECT row_number() OVER () - 1 AS line, CAST(tenure AS BIGINT) AS tenure,
    CAST(monthly_charges AS DOUBLE) AS monthly, TRY_CAST(total_charges AS DOUBLE) AS total,
    contract, internet_service AS internet, payment_method AS payment,
    paperless_billing = '1' AS paperless, partner = '1' AS partner, churn = 'Yes' AS churn
  FROM read_csv(${file}, all_varchar = true))`;

/** The features of the customers, or of what is made of them in SQL. */
export const customers = (from = customersSql) =>
  Table.write(Customer, "checked", { query: `SELECT * FROM ${from} ORDER BY line` }).pipe(
    Effect.flatMap((data) => Features.stage(Churn).run({ data })),
  );

/** What the pipelines of this project share: the customers, their features, and why the project exists. */
import { Charter, Column, Contract, FeatureSet, Rule, Transform } from "@ml-pipe/ml-pipe";

const yesNo = { values: ["Yes", "No"] } as const;
const withInternet = { values: ["Yes", "No", "No internet service"] } as const;
const flag = { min: 0, max: 1 } as const;

/** What billing hands over: a row for each customer at the end of a month. Nobody is named. */
export const Customer = Contract.make("customer", {
  version: "1.0.0",
  owner: "billing",
  consumers: ["retention"],
  description: "one row per customer; churn is whether the customer left within the month after",
  columns: {
    churn: Column.string({ ...yesNo, availableAt: "outcome" }),
    female: Column.int({ ...flag, description: "not used: see the features" }),
    senior_citizen: Column.int(flag),
    partner: Column.int(flag),
    dependents: Column.int(flag),
    tenure: Column.int({ unit: "months", min: 0, max: 100 }),
    phone_service: Column.int(flag),
    multiple_lines: Column.string({ values: ["Yes", "No", "No phone service"] }),
    internet_service: Column.string({ values: ["DSL", "Fiber optic", "No"] }),
    online_security: Column.string(withInternet),
    online_backup: Column.string(withInternet),
    device_protection: Column.string(withInternet),
    tech_support: Column.string(withInternet),
    streaming_tv: Column.string(withInternet),
    streaming_movies: Column.string(withInternet),
    contract: Column.string({ values: ["Month-to-month", "One year", "Two year"] }),
    paperless_billing: Column.int(flag),
    payment_method: Column.string({
      values: [
        "Electronic check",
        "Mailed check",
        "Bank transfer (automatic)",
        "Credit card (automatic)",
      ],
    }),
    monthly_charges: Column.float({ unit: "USD", min: 0 }),
    total_charges: Column.float({ unit: "USD", min: 0, nullable: true }),
  },
});

/**
 * What is known when the bill is printed. Sex and age are left out on purpose: who gets an offer does not
 * depend on them.
 */
export const ChurnFeatures = FeatureSet.make("churn-features", {
  version: "1.0.0",
  of: Customer,
  keep: ["contract", "internet_service", "payment_method", "senior_citizen"],
  label: ($) => $.churn.equals("Yes"),
  features: ($) => ({
    tenure: $.tenure,
    monthly: $.monthly_charges,
    perMonth: $.total_charges.dividedBy($.tenure),
    risen: $.monthly_charges.minus($.total_charges.dividedBy($.tenure)),
    partner: $.partner,
    dependents: $.dependents,
    paperless: $.paperless_billing,
    severalLines: $.multiple_lines.equals("Yes"),
    security: $.online_security.equals("Yes"),
    backup: $.online_backup.equals("Yes"),
    protection: $.device_protection.equals("Yes"),
    support: $.tech_support.equals("Yes"),
    streams: $.streaming_tv.equals("Yes").or($.streaming_movies.equals("Yes")),
  }),
});

/** What is fitted on the training rows, and on them only. */
export const prepare = Transform.make(ChurnFeatures, ($) => ({
  tenure: $.tenure,
  monthly: $.monthly,
  perMonth: $.perMonth,
  risen: $.risen,
  partner: $.partner,
  dependents: $.dependents,
  paperless: $.paperless,
  severalLines: $.severalLines,
  security: $.security,
  backup: $.backup,
  protection: $.protection,
  support: $.support,
  streams: $.streams,
  contract: Transform.oneHot($.contract),
  internet: Transform.oneHot($.internet_service),
  payment: Transform.oneHot($.payment_method),
}));

/**
 * Costs per customer and decision, in USD. A customer who leaves costs the margin of a year: 12 months of
 * 65 USD at 40 % are about 310. The offer, two months at half price, costs 65 whoever takes it, and keeps
 * four of ten who would have left: 65 + 0.6 · 310 = 251 is what one of them costs in the mean. These are
 * the assumptions of the example; the report shows how the verdict depends on them.
 */
export const charter = Charter.make({
  title: "Keep customers who are about to leave",
  decision: {
    question: "offer this customer two months at half price?",
    madeAt: "when the bill is printed",
    actor: "billing system",
    outcomeKnownAfter: "30 days",
  },
  metric: {
    name: "expected cost",
    unit: "USD per customer",
    costs: { truePositive: 251, falsePositive: 65, falseNegative: 310, trueNegative: 0 },
  },
  baseline: Rule.baseline(ChurnFeatures.contract, {
    name: "no offer",
    description: "as today: nobody is offered anything",
    when: ($) => $.tenure.lt(0),
  }),
  smallestGain: 0.5,
  surface: "a line on the bill",
  guardrails: ["at most one offer in a year per customer"],
  kill: { on: "2037-12-31", criterion: "no measured gain after a year" },
  owner: "retention",
  approvers: ["head-of-billing"],
});

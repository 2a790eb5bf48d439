/**
 * Should we tell the customer that this delivery will be late?
 *
 * From a file of deliveries to a monitored release. Try: npx ml-pipe run pipeline.ts
 */
import {
  Charter,
  Column,
  Contract,
  Deploy,
  Evaluate,
  Features,
  FeatureSet,
  Hook,
  Ingest,
  Monitor,
  Pipeline,
  Rule,
  Split,
  Train,
  Validate,
  Verdict,
} from "@ml-pipe/ml-pipe";

/** What the warehouse hands over. Each row that breaks this is set aside and reported to its owner. */
export const Delivery = Contract.make("delivery", {
  version: "1.0.0",
  owner: "warehouse",
  consumers: ["customer-care"],
  columns: {
    dispatchedAt: Column.timestamp({ description: "when the courier left, UTC" }),
    distance: Column.float({ unit: "km", min: 0, max: 60 }),
    weight: Column.float({ unit: "kg", min: 0, max: 100 }),
    courier: Column.string({ values: ["bike", "car", "van"] }),
    // Known only after the decision: the compiler refuses it as a feature.
    minutesLate: Column.float({ unit: "min", min: -120, max: 600, availableAt: "outcome" }),
  },
  eventTime: "dispatchedAt",
  freshness: "2 days",
  minRows: 1_000,
});

/** What is known when the courier leaves; for past and future rows, and for requests, alike. */
export const LateFeatures = FeatureSet.make("late-features", {
  version: "1.0.0",
  of: Delivery,
  decidedAt: "dispatchedAt",
  keep: ["courier"],
  label: ($) => $.minutesLate.gt(10),
  features: ($) => ({
    distance: $.distance,
    weight: $.weight,
    hour: $.dispatchedAt.hourOfDay(),
    bike: $.courier.equals("bike"),
    van: $.courier.equals("van"),
  }),
});

/** Why this exists. Without a better result than the baseline, nothing is released. */
export const charter = Charter.make({
  title: "Warn of late deliveries",
  decision: {
    question: "tell the customer that it will be late?",
    madeAt: "dispatch",
    actor: "the shop's message service",
    outcomeKnownAfter: "1 day",
  },
  metric: {
    name: "expected cost",
    unit: "EUR per delivery",
    // A warning costs 1; a late delivery without one costs 4 in calls and vouchers.
    costs: { truePositive: 1, falsePositive: 1, falseNegative: 4, trueNegative: 0 },
  },
  baseline: Rule.baseline(LateFeatures.contract, {
    name: "far away",
    description: "warn from 15 km on, as the shop does today",
    when: ($) => $.distance.gte(15),
  }),
  smallestGain: 0.03,
  surface: "a text message when the courier leaves",
  kill: { on: "{{killOn}}", criterion: "no measured gain over the rule after a year" },
  owner: "customer-care",
});

const ingest = Ingest.parquet(Delivery, {
  path: new URL("data/deliveries.parquet", import.meta.url),
});
const validate = Validate.table(Delivery, { asOf: "2026-07-01" });
const features = Features.stage(LateFeatures);
const split = Split.byTime(LateFeatures.contract, {
  validation: "2026-04-15",
  test: "2026-05-01",
  live: "2026-06-01",
  embargo: "1 day",
});
const train = Train.boostedTrees(LateFeatures, { maxTrees: 60 });
const evaluate = Evaluate.decisions(LateFeatures, { charter, slices: ["courier"] });
const deploy = Deploy.release(LateFeatures, {
  charter,
  name: "late-delivery",
  knownUntil: "2026-06-01",
});
const monitor = Monitor.daily(LateFeatures, { charter });

export default Pipeline.make(
  "late-delivery",
  { charter, description: "from a file of deliveries to a monitored release" },
  () => {
    const { checked } = validate({ data: ingest() });
    const parts = split({ data: features({ data: checked }) });
    const model = train({ train: parts.train, validation: parts.validation });
    const { verdict } = evaluate({ model, train: parts.train, data: parts.test });
    const passed = Verdict.gate({ verdict });
    const release = deploy({ model, verdict: passed, history: checked });
    const watch = monitor({ release, reference: parts.train, live: parts.live });

    Pipeline.feedback({
      on: watch.signals.drift,
      to: model,
      hook: Hook.rerun({ armAt: 0.2, disarmBelow: 0.1, confirm: 3, coolDown: "7 days" }),
    });
    return { release, watch };
  },
);

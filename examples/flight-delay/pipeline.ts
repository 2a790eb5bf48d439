/**
 * Should the gate agent warn connecting passengers that this flight will arrive late?
 *
 * Three million US flights of January to June 2001, from the file to a monitored release.
 */
import {
  Charter,
  Column,
  Contract,
  Deploy,
  Evaluate,
  Features,
  FeatureSet,
  History,
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

/** What flight operations hand over. `date` is when the aircraft really left, not the schedule. */
export const Flight = Contract.make("flight", {
  version: "1.0.0",
  owner: "flight-operations",
  consumers: ["passenger-care"],
  description: "one row per domestic flight",
  columns: {
    date: Column.timestamp({ description: "actual departure, local time of the origin" }),
    delay: Column.int({
      description: "arrival later than scheduled; negative if early",
      unit: "min",
      min: -120,
      max: 1440,
      availableAt: "outcome",
    }),
    distance: Column.int({ unit: "mi", min: 1, max: 5000 }),
    origin: Column.string({ pattern: "[A-Z]{3}", description: "IATA code" }),
    destination: Column.string({ pattern: "[A-Z]{3}", description: "IATA code" }),
  },
  eventTime: "date",
  freshness: "2 days",
  minRows: 1_000_000,
});

/** What is known when the door closes. Histories see only flights that had landed by then. */
export const DelayFeatures = FeatureSet.make("delay-features", {
  version: "1.0.0",
  of: Flight,
  decidedAt: "date",
  keep: ["origin"],
  label: ($) => $.delay.gt(15),
  features: ($) => {
    const late = $.delay.gt(15);
    // Landed and reported: an hour after a slow flight of 6 miles a minute.
    const knownAt = $.date.plusMinutes($.distance.dividedBy(6).plus(60));
    return {
      minuteOfDay: $.date.minuteOfDay(),
      dayOfWeek: $.date.dayOfWeek(),
      distance: $.distance,
      originLate6h: History.mean(late, {
        by: [$.origin],
        knownAt,
        window: "6 hours",
        hop: "1 hour",
      }),
      destinationLate6h: History.mean(late, {
        by: [$.destination],
        knownAt,
        window: "6 hours",
        hop: "1 hour",
      }),
      originLate28d: History.mean(late, {
        by: [$.origin],
        knownAt,
        window: "28 days",
        hop: "1 day",
      }),
      routeLate28d: History.mean(late, {
        by: [$.origin, $.destination],
        knownAt,
        window: "28 days",
        hop: "1 day",
      }),
    };
  },
});

export const charter = Charter.make({
  title: "Warn connecting passengers",
  decision: {
    question: "warn connecting passengers and hold a seat on a later flight?",
    madeAt: "departure",
    actor: "gate agent",
    outcomeKnownAfter: "1 day",
  },
  metric: {
    name: "expected cost",
    unit: "USD per flight",
    // Holding a seat costs 15 whether it was needed or not; a missed connection costs 60.
    costs: { truePositive: 15, falsePositive: 15, falseNegative: 60, trueNegative: 0 },
  },
  baseline: Rule.baseline(DelayFeatures.contract, {
    name: "night rule",
    description: "warn for every departure from 21:00 on, as dispatchers do",
    when: ($) => $.minuteOfDay.gte(21 * 60),
  }),
  smallestGain: 0.25,
  surface: "one line on the gate display, confirmed by the agent",
  guardrails: ["at most one seat held per passenger"],
  kill: { on: "2027-12-31", criterion: "no measured gain over the night rule after six months" },
  owner: "passenger-care",
  approvers: ["head-of-operations"],
});

export const ingest = Ingest.parquet(Flight, {
  path: Ingest.packageFile("vega-datasets", "data/flights-3m.parquet", import.meta.url),
});
export const validate = Validate.table(Flight, { asOf: "2001-07-01" });
const features = Features.stage(DelayFeatures);
const split = Split.byTime(DelayFeatures.contract, {
  validation: "2001-04-15",
  test: "2001-05-01",
  live: "2001-06-01",
  embargo: "1 day",
});
const train = Train.boostedTrees(DelayFeatures, { maxTrees: 100 });
const evaluate = Evaluate.decisions(DelayFeatures, { charter, slices: ["origin"] });
const deploy = Deploy.release(DelayFeatures, {
  charter,
  name: "flight-delay",
  knownUntil: "2001-06-01",
});
const monitor = Monitor.daily(DelayFeatures, { charter });

export default Pipeline.make(
  "flight-delay",
  { charter, description: "from three million flights to a monitored release" },
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

/** A contract that says, wrongly, that the delay is known at departure: the compiler cannot tell. */
import {
  Charter,
  Column,
  Contract,
  Deploy,
  Evaluate,
  Features,
  FeatureSet,
  Ingest,
  Pipeline,
  Rule,
  Split,
  Train,
  Validate,
  Verdict,
} from "@ml-pipe/ml-pipe";
import { charter as honest, Flight as HonestFlight } from "../../examples/flight-delay/pipeline.ts";

const Flight = Contract.make("flight", {
  version: "1.0.1",
  owner: "flight-operations",
  eventTime: "date",
  columns: {
    ...HonestFlight.columns,
    delay: Column.int({ unit: "min", min: -120, max: 1440, availableAt: "decision" }),
  },
});

const set = FeatureSet.make("peeking-features", {
  version: "1.0.0",
  of: Flight,
  decidedAt: "date",
  label: ($) => $.delay.gt(15),
  features: ($) => ({ minuteOfDay: $.date.minuteOfDay(), delaySoFar: $.delay }),
});

const { decision, kill, ...spec } = honest.spec;
const charter = Charter.make({
  ...spec,
  decision: { ...decision, outcomeKnownAfter: decision.outcomeKnownAfterMs },
  kill: { ...kill, on: kill.on.toISOString() },
  baseline: Rule.baseline(set.contract, {
    name: "night rule",
    description: "warn for every departure from 21:00 on",
    when: ($) => $.minuteOfDay.gte(21 * 60),
  }),
});

const ingest = Ingest.parquet(Flight, {
  path: Ingest.packageFile("vega-datasets", "data/flights-3m.parquet", import.meta.url),
});
const validate = Validate.table(Flight, { asOf: "2001-07-01" });
const features = Features.stage(set);
const split = Split.byTime(set.contract, {
  validation: "2001-04-15",
  test: "2001-05-01",
  live: "2001-06-01",
  embargo: "1 day",
});
const train = Train.boostedTrees(set, { maxTrees: 10 });
const evaluate = Evaluate.decisions(set, {
  charter,
  holdout: { looks: 2, justification: "shows that a model that peeks is stopped" },
});
const deploy = Deploy.release(set, { charter, name: "peeking", knownUntil: "2001-06-01" });

export default Pipeline.make("peeking", { charter }, () => {
  const { checked } = validate({ data: ingest() });
  const parts = split({ data: features({ data: checked }) });
  const model = train({ train: parts.train, validation: parts.validation });
  const { verdict } = evaluate({ model, train: parts.train, data: parts.test });
  return { release: deploy({ model, verdict: Verdict.gate({ verdict }), history: checked }) };
});

/**
 * For which minute is the gate booked? A number: how much later than scheduled a flight arrives.
 */
import {
  Charter,
  Deploy,
  Evaluate,
  Features,
  FeatureSet,
  Pipeline,
  Rule,
  Split,
  Train,
  Verdict,
} from "@ml-pipe/ml-pipe";
import { Flight, ingest, known, months, validate } from "./flights.ts";

export const Minutes = FeatureSet.make("arrival-minutes", {
  version: "1.0.0",
  of: Flight,
  decidedAt: "date",
  keep: ["destination"],
  label: ($) => $.delay,
  features: known,
});

export const charter = Charter.make({
  title: "Book gates for when flights come",
  decision: {
    question: "for how many minutes after the schedule is the gate booked?",
    madeAt: "departure",
    actor: "gate planning",
    outcomeKnownAfter: "1 day",
  },
  metric: {
    name: "waiting",
    unit: "USD per flight",
    // A gate that waits for an aircraft costs 1 a minute; an aircraft that waits for a gate 3.
    error: { over: 1, under: 3 },
  },
  baseline: Rule.numberBaseline(Minutes.contract, {
    name: "ten minutes",
    description: "every gate is booked for ten minutes after the schedule, as today",
    value: () => 10,
  }),
  smallestGain: 3,
  surface: "the gate plan",
  budgets: { latencyMillis: 50, modelBytes: 1_000_000 },
  kill: { on: "2037-12-31", criterion: "no measured gain after half a year" },
  owner: "ground-handling",
});

const features = Features.stage(Minutes);
const split = Split.byTime(Minutes.contract, months);
// A bad day costs much with a model and without: what it gains varies far less than either.
const power = Evaluate.power(Minutes, { charter, correlation: 0.95 });
// Too early and too late cost the same at the 0.75 quantile: 3 / (1 + 3).
const train = Train.boostedTrees(Minutes, { quantile: 0.75, maxLeaves: 4, learningRate: 0.05 });
export const evaluate = Evaluate.regression(Minutes, {
  charter,
  // A model with twice as many leaves was judged on these rows first: it had learned too much by heart.
  holdout: { looks: 2, justification: "a larger model was judged on them before" },
  segments: { columns: ["destination"], minRows: 400 },
  robustness: { maxFall: 5 },
  overfit: { maxGap: 12 },
});
const deploy = Deploy.release(Minutes, {
  charter,
  name: "arrival-minutes",
  knownUntil: "2001-07-01",
});

export default Pipeline.make(
  "arrival-minutes",
  { charter, description: "for which minute a gate is booked" },
  () => {
    const { checked } = validate({ data: ingest() });
    const parts = split({ data: features({ data: checked }) });
    const { train: rows } = power({ train: parts.train, test: parts.test });
    const model = train({ train: rows, validation: parts.validation });
    const { verdict } = evaluate({ model, train: rows, data: parts.test });
    return { release: deploy({ model, verdict: Verdict.gate({ verdict }), history: checked }) };
  },
);

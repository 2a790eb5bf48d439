/**
 * What are passengers told? A class: on time, late or very late, or that somebody looks first.
 */
import {
  Charter,
  Deploy,
  Evaluate,
  Expr,
  Features,
  FeatureSet,
  Pipeline,
  Rule,
  Split,
  Train,
  Verdict,
} from "@ml-pipe/ml-pipe";
import { Flight, ingest, known, months, validate } from "./flights.ts";

export const Messages = FeatureSet.make("arrival-message", {
  version: "1.0.0",
  of: Flight,
  decidedAt: "date",
  keep: ["destination"],
  label: ($) =>
    Expr.when($.delay.gt(60), "very late", Expr.when($.delay.gt(15), "late", "on time")),
  features: known,
});

export const charter = Charter.make({
  title: "Tell passengers when they arrive",
  decision: {
    question: "what do the passengers read?",
    madeAt: "departure",
    actor: "the departure board",
    outcomeKnownAfter: "1 day",
  },
  metric: {
    name: "trouble",
    unit: "USD per flight",
    // By what came of it, then by what was said. A person who looks costs 8 and is right.
    classCosts: {
      "on time": { "on time": 0, late: 10, "very late": 25, look: 8 },
      late: { "on time": 20, late: 0, "very late": 10, look: 8 },
      "very late": { "on time": 90, late: 30, "very late": 0, look: 8 },
    },
  },
  baseline: Rule.classBaseline(Messages.contract, {
    name: "at night",
    description: "somebody looks from 20:00 on; until then everything is on time",
    class: ($) => Expr.when($.minuteOfDay.gte(20 * 60), "look", "on time"),
  }),
  smallestGain: 1,
  surface: "the board, and a text message",
  budgets: { latencyMillis: 50 },
  kill: { on: "2037-12-31", criterion: "no fewer complaints after half a year" },
  owner: "passenger-care",
});

const features = Features.stage(Messages);
const split = Split.byTime(Messages.contract, months);
// A bad day costs much with a model and without: what it gains varies far less than either.
const power = Evaluate.power(Messages, { charter, correlation: 0.95 });
const train = Train.boostedTrees(Messages, { maxLeaves: 4, learningRate: 0.05 });
const calibrate = Train.calibrate(Messages);
export const evaluate = Evaluate.classification(Messages, {
  charter,
  // A model with twice as many leaves was judged on these rows first: it had learned too much by heart.
  holdout: { looks: 2, justification: "a larger model was judged on them before" },
  segments: { columns: ["destination"], minRows: 400 },
  robustness: { maxFall: 1 },
  overfit: { maxGap: 4 },
});
const deploy = Deploy.release(Messages, {
  charter,
  name: "arrival-message",
  knownUntil: "2001-07-01",
});

export default Pipeline.make(
  "arrival-message",
  { charter, description: "what passengers are told at departure" },
  () => {
    const { checked } = validate({ data: ingest() });
    const parts = split({ data: features({ data: checked }) });
    const { train: rows } = power({ train: parts.train, test: parts.test });
    const trained = train({ train: rows, validation: parts.validation });
    const model = calibrate({ model: trained, validation: parts.validation });
    const { verdict } = evaluate({ model, train: rows, data: parts.test });
    return { release: deploy({ model, verdict: Verdict.gate({ verdict }), history: checked }) };
  },
);

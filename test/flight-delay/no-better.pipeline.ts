/** An honest model that knows only the clock and the calendar: not enough to beat the night rule. */
import {
  Deploy,
  Evaluate,
  Features,
  FeatureSet,
  Ingest,
  Pipeline,
  Split,
  Train,
  Validate,
  Verdict,
} from "@ml-pipe/ml-pipe";
import { charter, Flight } from "../../examples/flight-delay/pipeline.ts";

const set = FeatureSet.make("calendar-features", {
  version: "1.0.0",
  of: Flight,
  decidedAt: "date",
  label: ($) => $.delay.gt(15),
  features: ($) => ({ minuteOfDay: $.date.minuteOfDay(), dayOfWeek: $.date.dayOfWeek() }),
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
  holdout: { looks: 3, justification: "shows that an honest model without a gain is stopped" },
});
const deploy = Deploy.release(set, { charter, name: "no-better", knownUntil: "2001-06-01" });

export default Pipeline.make("no-better", { charter }, () => {
  const { checked } = validate({ data: ingest() });
  const parts = split({ data: features({ data: checked }) });
  const model = train({ train: parts.train, validation: parts.validation });
  const { verdict } = evaluate({ model, train: parts.train, data: parts.test });
  return { release: deploy({ model, verdict: Verdict.gate({ verdict }), history: checked }) };
});

/** Who is going to leave? From a file of customers to a release that a service embeds. */
import {
  Deploy,
  Evaluate,
  Features,
  Ingest,
  Pipeline,
  Source,
  Split,
  Train,
  Validate,
  Verdict,
} from "@ml-pipe/ml-pipe";
import { charter, ChurnFeatures, Customer, prepare } from "./customers.ts";

export { charter, ChurnFeatures, Customer } from "./customers.ts";

export const ingest = Ingest.table(
  Customer,
  Source.csv(new URL("data/telco-churn.csv.gz", import.meta.url)),
);
// Without a key, two customers may look the same; the split keeps them together.
export const validate = Validate.table(Customer, { uniqueRows: false });
export const features = Features.stage(ChurnFeatures);
export const split = Split.random(ChurnFeatures.contract, {
  validation: 0.2,
  test: 0.3,
  stratify: "label",
});
const train = Train.boostedTrees(ChurnFeatures, {
  prepare,
  maxLeaves: 8,
  learningRate: 0.05,
  maxTrees: 300,
});
export const evaluate = Evaluate.decisions(ChurnFeatures, {
  charter,
  slices: ["contract", "senior_citizen"],
  minSliceRows: 200,
  holdout: { looks: 2, justification: "two trainers, both settled before the first look" },
});
const deploy = Deploy.release(ChurnFeatures, {
  charter,
  name: "churn",
  knownUntil: "2026-11-01",
});

export default Pipeline.make(
  "churn",
  { charter, description: "from a file of customers to a release that a service embeds" },
  () => {
    const { checked } = validate({ data: ingest().table });
    const parts = split({ data: features({ data: checked }) });
    const model = train({ train: parts.train, validation: parts.validation });
    const { verdict } = evaluate({ model, train: parts.train, data: parts.test });
    const passed = Verdict.gate({ verdict });
    return { release: deploy({ model, verdict: passed, history: checked }) };
  },
);

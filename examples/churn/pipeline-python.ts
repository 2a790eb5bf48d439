/**
 * The same project with another trainer: scikit-learn in Python, the model back in ONNX. All other stages
 * are those of `pipeline.ts`.
 */
import { Deploy, Pipeline, Train, Verdict } from "@ml-pipe/ml-pipe";
import { charter, ChurnFeatures, prepare } from "./customers.ts";
import { evaluate, features, ingest, split, validate } from "./pipeline.ts";

export { ChurnFeatures } from "./customers.ts";

const train = Train.python(ChurnFeatures, {
  script: new URL("train.py", import.meta.url),
  venv: process.env["CHURN_VENV"] ?? new URL(".venv", import.meta.url),
  requirements: new URL("requirements.txt", import.meta.url),
  types: new URL("features.py", import.meta.url),
  prepare,
  params: { minLeaf: [10, 20], trees: 50 },
  timeout: "10 minutes",
  memory: "2 GiB",
});
const deploy = Deploy.release(ChurnFeatures, {
  charter,
  name: "churn-python",
  knownUntil: "2026-11-01",
});

export default Pipeline.make(
  "churn-python",
  { charter, description: "the same, trained with scikit-learn and served from ONNX" },
  () => {
    const { checked } = validate({ data: ingest().table });
    const parts = split({ data: features({ data: checked }) });
    const model = train({ train: parts.train, validation: parts.validation });
    const { verdict } = evaluate({ model, train: parts.train, data: parts.test });
    const passed = Verdict.gate({ verdict });
    return { release: deploy({ model, verdict: passed, history: checked }) };
  },
);

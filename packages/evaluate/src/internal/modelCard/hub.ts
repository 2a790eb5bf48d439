/** The metadata that the Hugging Face Hub reads from the top of a model card. */
import type { HubMetadata } from "../../ModelCard.ts";
import type { Known } from "../infoSheet/known.ts";
import { metricsOf } from "./metrics.ts";

/** The Hub's names for predictions from columns of a table. */
const tasks = {
  classification: { type: "tabular-classification", name: "Tabular Classification" },
  regression: { type: "tabular-regression", name: "Tabular Regression" },
} as const;

/** Metrics that the Hub knows by these names. */
const onHub = new Set([
  "roc_auc",
  "brier_score",
  "mae",
  "r_squared",
  "accuracy",
  "f1",
  "matthews_correlation",
]);

/** The metadata, as far as the record says; a licence and a data set on the Hub are for a person. */
export const hubOf = (known: Known): HubMetadata => {
  const { run, model, verdict, evaluation } = known;
  const metrics = metricsOf(known);
  const base = {
    library_name: "ml-pipe",
    tags: ["ml-pipe", ...(model === undefined ? [] : [tag(model.value.kind)])],
  };
  const first = metrics[0];
  if (first === undefined || verdict === undefined) return base;
  const task =
    evaluation !== undefined && "errors" in evaluation.value
      ? tasks.regression
      : tasks.classification;
  const test = known.tables.find(({ value }) => value.role === "test");
  return {
    ...base,
    pipeline_tag: task.type,
    metrics: metrics.map(({ type }) => type).filter((type) => onHub.has(type)),
    "model-index": [
      {
        name: run.pipeline,
        results: [
          {
            task,
            dataset: {
              type: test?.value.contract.name ?? run.pipeline,
              name: test?.value.contract.name ?? run.pipeline,
              split: "test",
              revision: verdict.value.testSet,
            },
            metrics: metrics.map(({ type, name, value }) => ({ type, name, value })),
          },
        ],
      },
    ],
  };
};

const tag = (kind: string): string =>
  kind
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");

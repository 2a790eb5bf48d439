/** The fields of the Model Card Toolkit, schema 0.0.2. */
import { Charter } from "@ml-pipe/core";
import { Words } from "@ml-pipe/data";
import type { AnyEvaluation } from "../../Evaluation.ts";
import type { ToolkitCard } from "../../ModelCard.ts";
import { featureNames, takenIn } from "../infoSheet/answers.ts";
import type { Known } from "../infoSheet/known.ts";
import { type CardMetric, metricsOf, slicesOf } from "./metrics.ts";

const { counted, number, whole } = Words;

/** What the record says of them. */
export const toolkitOf = (known: Known): ToolkitCard => {
  const { run, model, tables, recommenders, lists } = known;
  const { charter } = run.graph;
  const features = featureNames(known);
  const trained = model === undefined ? recommenders : [model];
  const listMetrics = (lists?.value.properties ?? []).map(({ name, judged }): CardMetric => ({
    type: name,
    name: `${name} of the first ${lists?.value.at ?? 0} places`,
    value: judged.estimate,
    interval: judged.interval,
  }));
  const names = new Set(
    tables.filter(({ value }) => value.role !== "live").map(({ value }) => value.contract.name),
  );
  const taken = takenIn(known).map(({ value }) => value.contract.name);
  return {
    schema_version: "0.0.2",
    model_details: {
      name: run.pipeline,
      overview: `${charter.title}. Decision: ${charter.decision.question} Decided ${Charter.moment(charter.decision)}, by ${charter.decision.actor}.`,
      owners: [{ name: charter.owner }],
      version: {
        name: model?.value.document.digest ?? run.id,
        date: run.startedAt.toISOString().slice(0, 10),
      },
    },
    model_parameters: {
      ...(trained.length === 0
        ? {}
        : {
            model_architecture: trained
              .map(
                ({ value }) => `${value.kind}, trained on ${counted(value.trainedOn.rows, "row")}`,
              )
              .join("; "),
          }),
      data: [...new Set([...taken, ...names])].map((name) => ({ name })),
      ...(features.length === 0 ? {} : { input_format: `features: ${features.join(", ")}` }),
      ...(known.evaluation === undefined
        ? {}
        : {
            output_format: outputOf(known.evaluation.value),
          }),
    },
    quantitative_analysis: {
      performance_metrics: [...metricsOf(known), ...slicesOf(known), ...listMetrics].map(
        ({ name, value, interval, slice }) => ({
          type: name,
          value: number(value),
          ...(slice === undefined ? {} : { slice }),
          ...(interval === null
            ? {}
            : {
                confidence_interval: {
                  lower_bound: number(interval.lower),
                  upper_bound: number(interval.upper),
                },
              }),
        }),
      ),
    },
    considerations: {
      users: [{ description: charter.decision.actor }],
      use_cases: [{ description: `${charter.decision.question} On: ${charter.surface}` }],
      limitations: limitationsOf(known).map((description) => ({ description })),
      tradeoffs: tradeoffsOf(known).map((description) => ({ description })),
    },
  };
};

/** What a reader must know before relying on the model: what did not pass, and what was found. */
export const limitationsOf = ({ verdict, run }: Known): ReadonlyArray<string> => [
  ...(verdict?.value.evidence ?? [])
    .filter(({ outcome }) => outcome !== "passed")
    .map(({ gate, outcome, found }) => `${gate} ${outcome}: ${found}`),
  ...new Set(
    run.stages
      .flatMap(({ findings }) => findings)
      .filter(({ severity }) => severity !== "info")
      .map(({ check, found, expected }) => `${check}: ${found} (expected ${expected})`),
  ),
];

const outputOf = (evaluation: AnyEvaluation): string => {
  if ("threshold" in evaluation) {
    return `a probability; the decision is made from ${number(evaluation.threshold)}`;
  }
  return "classes" in evaluation
    ? `a probability for each of ${evaluation.classes.join(", ")}; the choice of the lowest expected cost`
    : "a number, in the unit of the label";
};

/** What is right and wrong at the threshold of a decision. */
const tradeoffsOf = ({ evaluation }: Known): ReadonlyArray<string> => {
  if (evaluation === undefined || !("threshold" in evaluation.value)) return [];
  const { truePositive, falsePositive, falseNegative, trueNegative } = evaluation.value.confusion;
  return [
    `at this threshold it acts rightly ${whole(truePositive)} times and wrongly ${whole(falsePositive)} times, misses ${whole(falseNegative)}, and rightly does nothing ${whole(trueNegative)} times`,
  ];
};

/** Fields that no record of a run can answer, and those that this one does not. */
export const leftOf = ({ model, evaluation, recommenders, lists }: Known) => [
  ...(model === undefined && recommenders.length === 0
    ? [{ field: "model_parameters.model_architecture", why: "no model was trained in this run" }]
    : []),
  ...(evaluation === undefined && lists === undefined
    ? [{ field: "quantitative_analysis", why: "no model was judged in this run" }]
    : []),
  { field: "license", why: "which licence the model and its data are under" },
  { field: "datasets", why: "the ids of the data on the Hub, if they are there" },
  { field: "model_details.references", why: "papers and documents about it" },
  { field: "model_details.citations", why: "how to cite it" },
  {
    field: "model_parameters.data.sensitive",
    why: "which columns are personal or otherwise sensitive",
  },
  {
    field: "considerations.ethical_considerations",
    why: "who could be harmed, how, and what is done against it",
  },
  { field: "out-of-scope use", why: "what it must not be used for" },
  { field: "environmental impact", why: "what training and serving consume" },
];

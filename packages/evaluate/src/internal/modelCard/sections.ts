/** The card for people, in the order of the Hub's template. */
import { Charter } from "@ml-pipe/core";
import { Release, Words } from "@ml-pipe/data";
import type { ModelCard } from "../../ModelCard.ts";
import { featureNames, sourceContracts } from "../infoSheet/answers.ts";
import { scaleOf } from "../explain/exhibits.ts";
import type { Known } from "../infoSheet/known.ts";
import { metricsOf, slicesOf } from "./metrics.ts";
import { limitationsOf } from "./toolkit.ts";

const { counted, number, percent } = Words;

type Section = ModelCard["sections"][number];

/** Sections with at least one line. */
export const sectionsOf = (known: Known): ReadonlyArray<Section> =>
  [
    details(known),
    uses(known),
    { title: "Bias, risks, and limitations", lines: limitationsOf(known) },
    start(known),
    training(known),
    evaluation(known),
    contributions(known),
    verdict(known),
  ].filter(({ lines }) => lines.length > 0);

const details = ({ run, model, recommenders }: Known): Section => {
  const { charter } = run.graph;
  return {
    title: "Model details",
    lines: [
      `${charter.title}.`,
      ...(model === undefined
        ? recommenders.length === 0
          ? ["No model was trained in this run."]
          : recommenders.map(
              ({ value: { kind, trainedOn } }) =>
                `Kind: ${kind}, trained on ${counted(trainedOn.rows, "row")}.`,
            )
        : [`Kind: ${model.value.kind}.`, `Digest: ${model.value.document.digest}.`]),
      `Owner, and whom to ask: ${charter.owner}.`,
    ],
  };
};

const uses = ({ run }: Known): Section => {
  const { decision, surface, baseline, guardrails } = run.graph.charter;
  return {
    title: "Uses",
    lines: [
      `Decision: ${decision.question} Decided ${Charter.moment(decision)}, by ${decision.actor}.`,
      `Where it is seen: ${surface}.`,
      `Instead of: ${baseline.name} (${baseline.description}).`,
      ...guardrails.map((one) => `Guardrail: ${one}.`),
    ],
  };
};

const start = ({ release }: Known): Section => {
  const title = "How to get started with the model";
  if (release === undefined) return { title, lines: [] };
  const { request } = release.value;
  const label = Release.label(release.value);
  const columns = Object.entries(request.columns).map(
    ([name, { type, nullable }]) => `${name} (${type}${nullable ? " or null" : ""})`,
  );
  return {
    title,
    lines: [
      `Predict the rows of a file: ml-pipe predict ${label} --in rows.ndjson`,
      `Answer over HTTP: ml-pipe serve ${label}`,
      `A request carries: ${columns.join(", ")}.`,
      `What is made of the answer: ${Release.policy(release.value)}.`,
    ],
  };
};

const training = (known: Known): Section => {
  const { model, run } = known;
  const features = featureNames(known);
  const params = run.graph.stages.find(({ name }) => name === model?.stage)?.params;
  return {
    title: "Training details",
    lines: [
      ...sourceContracts(known).map(
        ({ name, version, owner }) => `Data: ${name} ${version}, from ${owner}.`,
      ),
      ...(model === undefined ? [] : [`Rows: ${Words.whole(model.value.trainedOn.rows)}.`]),
      ...(features.length === 0 ? [] : [`Features: ${features.join(", ")}.`]),
      ...(params === null || params === undefined
        ? []
        : [`Parameters: ${JSON.stringify(params)}.`]),
    ],
  };
};

const evaluation = (known: Known): Section => {
  const found = known.evaluation?.value;
  if (found === undefined) return listEvaluation(known);
  const { rows, blocks, level, holdout } = found;
  const on =
    blocks.by === "row"
      ? ""
      : ` ${blocks.by === "day" ? "on" : "about"} ${counted(blocks.count, blocks.by)}`;
  return {
    title: "Evaluation",
    lines: [
      `On ${counted(rows, "test row")}${on}; look ${holdout.number} of ${holdout.correctedFor} at these rows, intervals at ${percent(level)}.`,
    ],
    table: {
      columns: ["metric", "rows", "value", `${percent(level)} interval`],
      rows: [...metricsOf(known), ...slicesOf(known)].map(({ name, value, interval, slice }) => [
        name,
        slice ?? "all",
        number(value),
        interval === null ? "" : `${number(interval.lower)} to ${number(interval.upper)}`,
      ]),
    },
  };
};

/** Features named on a card. */
const mostFeatures = 10;

const contributions = ({ evaluation: found }: Known): Section => {
  const all = found?.value.contributions ?? null;
  const moving = all?.features.filter(({ mean }) => mean > 0) ?? [];
  const title = "Model examination";
  if (all === null || moving.length === 0) return { title, lines: [] };
  const more = moving.length - mostFeatures;
  return {
    title,
    lines: [
      `Mean absolute Shapley value on ${counted(all.rows, "test row")}, in ${scaleOf(all)}${all.classes.length === 0 ? "" : ", summed over the classes"}: how far a feature moves single predictions, either way.`,
      ...moving.slice(0, mostFeatures).map(({ feature, mean, byOutput }) => {
        const of = all.classes.map((name, k) => `${name} ${number(byOutput[k] ?? 0)}`);
        return `${feature} ${number(mean)}${of.length === 0 ? "" : ` (${of.join(", ")})`}`;
      }),
      ...(more > 0 ? [`and ${counted(more, "other feature")}.`] : []),
    ],
  };
};

const listEvaluation = ({ lists }: Known): Section => {
  const title = "Evaluation";
  if (lists === undefined) return { title, lines: [] };
  const { users, at, level, holdout, properties } = lists.value;
  const worded = ({ estimate, interval }: (typeof properties)[number]["judged"]): string =>
    `${number(estimate)}${interval === null ? "" : ` (${number(interval.lower)} to ${number(interval.upper)})`}`;
  return {
    title,
    lines: [
      `The first ${at} places of ${counted(users, "user")}; look ${holdout.number} of ${holdout.correctedFor} at these rows, intervals at ${percent(level)}.`,
    ],
    table: {
      columns: ["property", "these lists", "the baseline's", "difference"],
      rows: properties.map(({ name, judged, against, difference }) => [
        name,
        worded(judged),
        worded(against),
        worded(difference),
      ]),
    },
  };
};

const verdict = ({ verdict: found }: Known): Section => ({
  title: "Verdict",
  lines:
    found === undefined
      ? ["No model was judged in this run."]
      : [
          `${found.value.status}.`,
          ...found.value.evidence.map(
            ({ gate, outcome, found: saw }) => `${gate}: ${outcome}. ${saw}`,
          ),
        ],
});

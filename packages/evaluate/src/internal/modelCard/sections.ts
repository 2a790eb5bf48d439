/** The card for people, in the order of the Hub's template. */
import { Words } from "@ml-pipe/data";
import { featureContract, sourceContracts } from "../infoSheet/answers.ts";
import type { Known } from "../infoSheet/known.ts";
import { metricsOf, slicesOf } from "./metrics.ts";
import { limitationsOf } from "./toolkit.ts";

const { counted, number, percent } = Words;

interface Section {
  readonly title: string;
  readonly lines: ReadonlyArray<string>;
}

/** Sections with at least one line. */
export const sectionsOf = (known: Known): ReadonlyArray<Section> =>
  [
    details(known),
    uses(known),
    { title: "Risks and limitations", lines: limitationsOf(known) },
    training(known),
    evaluation(known),
    verdict(known),
  ].filter(({ lines }) => lines.length > 0);

const details = ({ run, model }: Known): Section => {
  const { charter } = run.graph;
  return {
    title: "Model details",
    lines: [
      `${charter.title}.`,
      ...(model === undefined
        ? ["No model was trained in this run."]
        : [`Kind: ${model.value.kind}.`, `Digest: ${model.value.document.digest}.`]),
      `Owner: ${charter.owner}.`,
    ],
  };
};

const uses = ({ run }: Known): Section => {
  const { decision, surface, baseline, guardrails } = run.graph.charter;
  return {
    title: "Uses",
    lines: [
      `${decision.question} Decided at ${decision.madeAt}, by ${decision.actor}.`,
      `Where it is seen: ${surface}.`,
      `Instead of: ${baseline.name} (${baseline.description}).`,
      ...guardrails.map((one) => `Guardrail: ${one}.`),
    ],
  };
};

const training = (known: Known): Section => {
  const { model, run } = known;
  const features = featureContract(known);
  const params = run.graph.stages.find(({ name }) => name === model?.stage)?.params;
  return {
    title: "Training",
    lines: [
      ...sourceContracts(known).map(
        ({ name, version, owner }) => `Data: ${name} ${version}, from ${owner}.`,
      ),
      ...(model === undefined ? [] : [`Rows: ${Words.whole(model.value.trainedOn.rows)}.`]),
      ...(features === undefined
        ? []
        : [
            `Columns known at the decision: ${Object.keys(features.columns)
              .filter((name) => features.columns[name]?.availableAt === "decision")
              .join(", ")}.`,
          ]),
      ...(params === null || params === undefined
        ? []
        : [`Parameters: ${JSON.stringify(params)}.`]),
    ],
  };
};

const evaluation = (known: Known): Section => {
  const found = known.evaluation?.value;
  if (found === undefined) return { title: "Evaluation", lines: [] };
  const { rows, blocks, level, holdout } = found;
  const on =
    blocks.by === "row"
      ? ""
      : ` ${blocks.by === "day" ? "on" : "about"} ${counted(blocks.count, blocks.by)}`;
  return {
    title: "Evaluation",
    lines: [
      `On ${counted(rows, "test row")}${on}; look ${holdout.number} of ${holdout.correctedFor} at these rows, intervals at ${percent(level)}.`,
      ...[...metricsOf(known), ...slicesOf(known)].map(
        ({ name, value, interval, slice }) =>
          `${slice === undefined ? "" : `${slice}: `}${name} ${number(value)}${
            interval === null ? "" : ` (${number(interval.lower)} to ${number(interval.upper)})`
          }`,
      ),
    ],
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

/** The questions of the info sheet, each with what of the record answers it. */
import { Metric } from "@ml-pipe/core";
import { Words } from "@ml-pipe/data";
import type { AnyEvaluation } from "../../Evaluation.ts";
import { kinds } from "../../LeakageKind.ts";
import {
  by,
  charter,
  exhibitsOf,
  featureContract,
  isQuarantine,
  joined,
  noEvaluation,
  type Question,
} from "./answers.ts";
import { claim, quality, reproducibility } from "./dataQuestions.ts";

const { counted, number, percent } = Words;

/** What the same answer for every row costs. */
const trivialCosts = (found: AnyEvaluation): string => {
  if ("threshold" in found) {
    const { neverAct, alwaysAct } = found.cost;
    return `never act ${number(neverAct.estimate)}, always act ${number(alwaysAct.estimate)}`;
  }
  const { cost } = found.constant;
  const answer = "choice" in found.constant ? found.constant.choice : number(found.constant.value);
  return `always ${answer} ${number(cost)}`;
};

/** How it looks by what is not the charter's metric. */
const otherMeasures = (found: AnyEvaluation): ReadonlyArray<string> => {
  if ("errors" in found) {
    const { meanAbsolute, rootMeanSquared, r2, bias } = found.errors;
    return [
      `mean absolute error ${number(meanAbsolute.estimate)}`,
      `root mean squared error ${number(rootMeanSquared.estimate)}`,
      `bias ${number(bias)}`,
      ...(r2 === null ? [] : [`R² ${number(r2.estimate)}`]),
    ];
  }
  const { rocAuc, brierScore, calibrationError } = found;
  return [
    ...("accuracy" in found
      ? [
          `accuracy ${number(found.accuracy.estimate)}`,
          `macro F1 ${number(found.macroF1.estimate)}`,
        ]
      : []),
    ...(rocAuc === null ? [] : [`ROC AUC ${number(rocAuc)}`]),
    ...("averagePrecision" in found && found.averagePrecision !== null
      ? [`average precision ${number(found.averagePrecision)}`]
      : []),
    `Brier score ${number(brierScore)}`,
    `expected calibration error ${number(calibrationError)}`,
  ];
};

const modelling: ReadonlyArray<Question> = [
  {
    id: "modelling.left-out",
    askedBy: "REFORMS 4a",
    question: "Which rows were left out, and why?",
    answer: (known) => {
      const quarantined = known.tables.filter(({ value }) => isQuarantine(value.contract.name));
      const { evaluation } = known;
      return joined(
        [
          ...quarantined.map(
            ({ value }) => `${counted(value.rows, "row")} broke the contract and were set aside`,
          ),
          ...exhibitsOf(known, /^Split/).map(([, caption]) => caption),
          ...(evaluation === undefined
            ? []
            : [`${counted(evaluation.value.excluded.unlabelled, "test row")} without an outcome`]),
        ],
        "quarantine, split and evaluation",
      );
    },
    person: "What was left out before the data were handed over.",
  },
  {
    id: "modelling.features",
    askedBy: "REFORMS 4b, 5a",
    question: "What does the model see?",
    answer: (known) => {
      const { evaluation } = known;
      const features = evaluation?.value.importance.map(
        ({ feature, share }) => `${feature} (${percent(share)})`,
      );
      return features === undefined || features.length === 0
        ? null
        : joined(
            [`${features.join(", ")}, by share of importance`],
            `stage "${evaluation?.stage}", evaluation`,
          );
    },
    person: (known) =>
      (known.evaluation?.value.importance.length ?? 0) > 0
        ? null
        : `The record does not say which features count${featureContract(known) === undefined ? "" : "; the feature table's contract names them"}.`,
  },
  {
    id: "modelling.model",
    askedBy: "REFORMS 5b",
    question: "What kind of model is it, and how was it trained?",
    answer: ({ model, run }) =>
      by(model, "model and parameters", ({ kind, trainedOn }) => {
        const params = run.graph.stages.find(({ name }) => name === model?.stage)?.params;
        return `${kind}, on ${counted(trainedOn.rows, "row")}${params === null || params === undefined ? "" : `; ${JSON.stringify(params)}`}`;
      }),
    person: ({ model }) => (model === undefined ? "No model was trained in this run." : null),
  },
  {
    id: "modelling.chosen",
    askedBy: "REFORMS 5c–d",
    question: "How was this model chosen, and how many others were judged on the same test rows?",
    answer: ({ looks, verdict }) => {
      if (looks.length === 0 || verdict === undefined) return null;
      const others = new Set(looks.map(({ model }) => model));
      others.delete(verdict.value.model);
      const reasons = [...new Set(looks.flatMap(({ justification }) => justification ?? []))];
      return {
        text: `${others.size === 0 ? "no other model was" : counted(others.size, "other model was", "other models were")} judged on these rows${reasons.length === 0 ? "" : `, because "${reasons.join('", "')}"`}`,
        evidence: "holdout ledger",
      };
    },
    person: "What was tried on the train and validation parts, and by whom.",
  },
  {
    id: "modelling.baseline",
    askedBy: "REFORMS 5e",
    question: "Was it compared with something simple, on the same rows?",
    answer: ({ evaluation, run }) =>
      by(evaluation, "evaluation", (found) => {
        const { cost, unit } = found;
        const of = ({ estimate }: { readonly estimate: number }) => number(estimate);
        return `model ${of(cost.model)}, "${run.graph.charter.baseline.name}" ${of(cost.baseline)}, ${trivialCosts(found)} ${unit}`;
      }),
    person: ({ evaluation }) => (evaluation === undefined ? noEvaluation : null),
  },
];

const leakage: ReadonlyArray<Question> = kinds.map(
  ({ id, name, explanation, byType, atRunTime, always, person }) => ({
    id: `leakage.${id}`,
    askedBy: id === "R" ? "REFORMS 6" : "model info sheet, REFORMS 6",
    question: `${id} ${name}: ${explanation} How is it excluded?`,
    answer: ({ audit }) => {
      const ran = (audit?.value.results ?? []).filter(
        ({ kind, outcome }) => kind === id && outcome !== "not-run",
      );
      if (audit === undefined || ran.length === 0) return null;
      const seen = ran.map(
        ({ check, outcome, found }) => `${check} ${outcome.replace("-", " ")}: ${found}`,
      );
      const construction = [byType, atRunTime].filter((part) => part !== "").join("; ");
      return {
        text: `${always ? `by construction: ${construction}. ` : ""}Looked for: ${seen.join("; ")}`,
        evidence: `stage "${audit.stage}", audit`,
      };
    },
    person: ({ audit }) => {
      const results = audit?.value.results.filter((one) => one.kind === id) ?? [];
      const missing = results.filter(({ outcome }) => outcome === "not-run");
      if (results.length === 0) return `No audit ran. ${sentence(person)}`;
      return missing.length === 0
        ? sentence(person)
        : `${missing.map(({ check, found }) => `${check} could not look (${found})`).join("; ")}. ${sentence(person)}`;
    },
  }),
);

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

const legitimacy: ReadonlyArray<Question> = [
  {
    id: "leakage.features",
    askedBy: "model info sheet",
    question: "For each feature: why is it known at the decision, and no proxy of the outcome?",
    answer: ({ audit }) => {
      const power = audit?.value.power ?? [];
      const availability = audit?.value.results.find(
        ({ check }) => check === "leakage.availability",
      );
      if (audit === undefined || availability === undefined) return null;
      return {
        text: `${availability.found}; what each says alone (ROC AUC): ${power.map(({ feature, rocAuc }) => `${feature} ${number(rocAuc)}`).join(", ")}`,
        evidence: `stage "${audit.stage}", audit`,
      };
    },
    person: "Whether the contract is right about each column: a sentence for each feature.",
  },
];

const metrics: ReadonlyArray<Question> = [
  {
    id: "metrics.which",
    askedBy: "REFORMS 7a",
    question: "Which metric, and why this one?",
    answer: ({ run }) => {
      const { metric } = run.graph.charter;
      return charter(`${metric.name} in ${metric.unit}: ${Metric.describe(metric)}`);
    },
    person: "Who estimated the costs, and how.",
  },
  {
    id: "metrics.others",
    askedBy: "REFORMS 7a",
    question: "How does it look by other measures?",
    answer: ({ evaluation }) =>
      by(evaluation, "evaluation", (found) => otherMeasures(found).join(", ")),
    person: ({ evaluation }) => (evaluation === undefined ? noEvaluation : null),
  },
  {
    id: "metrics.uncertainty",
    askedBy: "REFORMS 7b–c",
    question: "How is uncertainty computed, and corrected for several comparisons?",
    answer: ({ evaluation }) =>
      by(evaluation, "evaluation", ({ level, blocks, holdout, slices }) =>
        [
          `paired bootstrap over ${counted(blocks.count, blocks.by)}`,
          holdout.correctedFor === 1
            ? `${percent(level)}, the first look at these test rows`
            : `${percent(level)}, ${percent(holdout.nominalLevel)} corrected for ${holdout.correctedFor} looks at these test rows (Bonferroni)`,
          ...(slices.length === 0 ? [] : [`slices corrected for ${slices.length} of them`]),
        ].join("; "),
      ),
    person: ({ evaluation }) => (evaluation === undefined ? noEvaluation : null),
  },
];

const generalisability: ReadonlyArray<Question> = [
  {
    id: "generalisability.groups",
    askedBy: "REFORMS 8a",
    question: "Where does it do worse?",
    answer: ({ evaluation }) =>
      evaluation === undefined || evaluation.value.slices.length === 0
        ? null
        : by(evaluation, "slices", ({ slices, unit }) => {
            const sorted = slices.toSorted((a, b) => a.gain.estimate - b.gain.estimate);
            return sorted
              .slice(0, 3)
              .map(
                ({ column, value, gain, worse }) =>
                  `${column} ${value ?? "(missing)"}: ${number(gain.estimate)} ${unit}${worse ? ", worse than the baseline" : ""}`,
              )
              .join("; ");
          }),
    person: ({ evaluation }) =>
      (evaluation?.value.slices.length ?? 0) > 0
        ? null
        : "No value of a column was judged on its own: name slices, or lower minSliceRows.",
  },
  {
    id: "generalisability.later",
    askedBy: "REFORMS 8a",
    question: "Was it tried on rows after the test period?",
    answer: ({ run }) => {
      const watched = run.stages.flatMap(({ stage, exhibits }) =>
        exhibits.flatMap(({ title, caption }) =>
          title === "Realised gain by day" && caption !== undefined ? [{ stage, caption }] : [],
        ),
      );
      const [first] = watched;
      return first === undefined
        ? null
        : { text: first.caption, evidence: `stage "${first.stage}", realised gain` };
    },
    person: ({ run }) =>
      run.stages.some(({ exhibits }) =>
        exhibits.some(({ title }) => title === "Realised gain by day"),
      )
        ? null
        : "No stage of this run watched later rows.",
  },
  {
    id: "generalisability.limits",
    askedBy: "REFORMS 8b",
    question: "Where should it not be used?",
    answer: ({ run }) => {
      const { guardrails, kill } = run.graph.charter;
      return charter(
        [
          ...guardrails,
          `not after ${kill.on.toISOString().slice(0, 10)} without renewal (${kill.criterion})`,
        ].join("; "),
      );
    },
    person: "For whom or what it was not tried.",
  },
];

/** All questions, by what they are about. */
export const sections: ReadonlyArray<{
  readonly title: string;
  readonly questions: ReadonlyArray<Question>;
}> = [
  { title: "What is claimed", questions: claim },
  { title: "Doing it again", questions: reproducibility },
  { title: "The data", questions: quality },
  { title: "The model", questions: modelling },
  { title: "Leakage", questions: [...leakage, ...legitimacy] },
  { title: "Metrics and uncertainty", questions: metrics },
  { title: "Beyond the test rows", questions: generalisability },
];

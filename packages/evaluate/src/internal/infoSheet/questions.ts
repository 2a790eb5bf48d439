/** The questions of the info sheet, each with what of the record answers it. */
import { Table, Words } from "@ml-pipe/data";
import * as Duration from "effect/Duration";
import { kinds } from "../../LeakageKind.ts";
import type { Found, Known } from "./known.ts";

const { counted, number, percent, whole } = Words;

type Answer = { readonly text: string; readonly evidence: string } | null;

/** A question; `person` says what is left to a person, or null if the answer is all there is to say. */
interface Question {
  readonly id: string;
  readonly askedBy: string;
  readonly question: string;
  readonly answer: (known: Known) => Answer;
  readonly person: string | null | ((known: Known) => string | null);
}

const noEvaluation = "The record has no evaluation of a model.";

/** Rows that broke a contract are no data that the run took in. */
const isQuarantine = (name: string): boolean => name.endsWith("-quarantine");

const takenIn = ({ tables }: Known) =>
  tables.filter(({ value }) => value.role === "raw" && !isQuarantine(value.contract.name));

const charter = (text: string): Answer => ({ text, evidence: "charter" });

const by = <A>(found: Found<A> | undefined, what: string, text: (value: A) => string): Answer =>
  found === undefined
    ? null
    : { text: text(found.value), evidence: `stage "${found.stage}", ${what}` };

const joined = (parts: ReadonlyArray<string>, evidence: string): Answer =>
  parts.length === 0 ? null : { text: parts.join("; "), evidence };

const stageOf = (known: Known, role: string) =>
  known.tables.find(({ value }) => value.role === role);

/** The finding or exhibit texts of stages, as evidence of what was left out. */
const exhibitsOf = ({ run }: Known, title: RegExp): ReadonlyArray<readonly [string, string]> =>
  run.stages.flatMap(({ stage, exhibits }) =>
    exhibits.flatMap((one) =>
      title.test(one.title) && one.caption !== undefined ? [[stage, one.caption] as const] : [],
    ),
  );

/** The contract of the features: the one that the test table is under. */
const featureContract = (known: Known) => {
  const name = stageOf(known, "test")?.value.contract.name;
  return known.contracts.find((contract) => contract.name === name);
};

/** The contracts of what was taken in. */
const sourceContracts = (known: Known) => {
  const names = new Set(takenIn(known).map(({ value }) => value.contract.name));
  return known.contracts.filter(({ name }) => names.has(name));
};

const claim: ReadonlyArray<Question> = [
  {
    id: "claim.owner",
    askedBy: "model info sheet",
    question: "Who answers for the model, and who may approve it?",
    answer: ({ run }) => {
      const { owner, approvers } = run.graph.charter;
      return charter(
        `${owner}${approvers.length === 0 ? "" : `; approvers: ${approvers.join(", ")}`}`,
      );
    },
    person: "How to reach them.",
  },
  {
    id: "claim.decision",
    askedBy: "REFORMS 1a, model info sheet",
    question: "What is decided with it, by whom, when, and where does it meet people?",
    answer: ({ run }) => {
      const { decision, surface } = run.graph.charter;
      return charter(
        `"${decision.question}" at ${decision.madeAt}, by ${decision.actor}; ${surface}`,
      );
    },
    person: null,
  },
  {
    id: "claim.population",
    askedBy: "REFORMS 1a, model info sheet",
    question: "For which rows, and which period, is the score claimed?",
    answer: ({ audit }) => {
      const declared = audit?.value.results.find(
        ({ check, outcome }) => check === "leakage.population" && outcome !== "not-applicable",
      );
      return declared === undefined || audit === undefined
        ? null
        : { text: declared.expected, evidence: `stage "${audit.stage}", declared population` };
    },
    person: ({ audit }) =>
      audit?.value.results.some(
        ({ check, outcome }) => check === "leakage.population" && outcome !== "not-applicable",
      ) === true
        ? null
        : "No population was declared: say for which rows the score holds (leakage.population).",
  },
  {
    id: "claim.why",
    askedBy: "REFORMS 1b–c",
    question: "Why a model, and what is done without it?",
    answer: ({ run }) => {
      const { baseline, smallestGain, metric } = run.graph.charter;
      return charter(
        `today: "${baseline.name}", ${baseline.description}; a model is worth it from a gain of ${number(smallestGain)} ${metric.unit}`,
      );
    },
    person: null,
  },
  {
    id: "claim.result",
    askedBy: "REFORMS 7, model info sheet",
    question: "What is claimed, in which metric, and how certain is it?",
    answer: ({ evaluation, verdict }) =>
      by(evaluation, "evaluation", ({ gain, unit, level, rows, blocks }) => {
        const interval =
          gain.interval === null
            ? "without an interval"
            : `${percent(level)} interval ${number(gain.interval.lower)} to ${number(gain.interval.upper)}, bootstrap over ${counted(blocks.count, blocks.by)}`;
        return `${verdict === undefined ? "" : `${verdict.value.status}: `}a gain of ${number(gain.estimate)} ${unit} over the baseline (${interval}) on ${counted(rows, "row")}`;
      }),
    person: ({ evaluation }) => (evaluation === undefined ? noEvaluation : null),
  },
];

const reproducibility: ReadonlyArray<Question> = [
  {
    id: "reproducibility.data",
    askedBy: "REFORMS 2a, model info sheet",
    question: "Which data exactly, and where are they?",
    answer: (known) =>
      joined(
        takenIn(known).map(
          ({ stage, value }) =>
            `${value.contract.name}: ${counted(value.rows, "row")}, ${Table.digestOf(value)} (${stage})`,
        ),
        "tables that the run took in",
      ),
    person: "Where others find them, and under which licence.",
  },
  {
    id: "reproducibility.code",
    askedBy: "REFORMS 2b, model info sheet",
    question: "Which code exactly?",
    answer: ({ run }) => {
      const parts = new Map(
        run.stages.flatMap(({ ingredients }) => Object.entries(ingredients?.code ?? {})),
      );
      return joined(
        [...parts].map(([name, version]) => `${name} ${version.replace(/(sha256-.{12}).*/, "$1")}`),
        "what the cache keys of stages are made of",
      );
    },
    person: "Where others find it.",
  },
  {
    id: "reproducibility.environment",
    askedBy: "REFORMS 2c–d",
    question: "On which machine and versions did it run?",
    answer: () => null,
    person:
      "The record names versions of packages, not the machine: name it, and the version of Node.",
  },
  {
    id: "reproducibility.again",
    askedBy: "REFORMS 2e",
    question: "How is it done again?",
    answer: ({ run }) =>
      run.file === undefined
        ? null
        : {
            text: `ml-pipe run ${run.file.split("/").at(-1)}: equal inputs give equal bytes`,
            evidence: "the file that the run was started from",
          },
    person: ({ run }) => (run.file === undefined ? "The run was not started from a file." : null),
  },
];

const quality: ReadonlyArray<Question> = [
  {
    id: "data.source",
    askedBy: "REFORMS 3a",
    question: "Who produced the data, and what is one row?",
    answer: (known) =>
      joined(
        sourceContracts(known).map(
          ({ name, version, owner, description }) =>
            `${name} ${version} of ${owner}${description === undefined ? "" : `: ${description}`}`,
        ),
        "contracts",
      ),
    person: "How rows came to be in the data (the sampling frame), and which never do.",
  },
  {
    id: "data.period",
    askedBy: "REFORMS 3a, model info sheet",
    question: "Of which time are the rows?",
    answer: ({ audit }) => {
      const time = audit?.value.results.find(({ check }) => check === "leakage.time");
      return time === undefined || time.outcome === "not-applicable" || audit === undefined
        ? null
        : { text: time.found, evidence: `stage "${audit.stage}", audit` };
    },
    person: ({ audit }) =>
      audit?.value.results.some(
        ({ check, outcome }) => check === "leakage.time" && outcome !== "not-applicable",
      ) === true
        ? null
        : "The rows have no time in the record.",
  },
  {
    id: "data.outcome",
    askedBy: "REFORMS 3b",
    question: "What is predicted, and when is it known?",
    answer: (known) =>
      joined(
        sourceContracts(known).flatMap(({ columns }) =>
          Object.entries(columns).flatMap(([name, { availableAt, description, unit }]) =>
            availableAt === "outcome"
              ? [
                  `${name}${unit === undefined ? "" : `, ${unit}`}${description === undefined ? "" : ` (${description})`}, known ${Duration.format(Duration.millis(known.run.graph.charter.decision.outcomeKnownAfterMs))} after the decision`,
                ]
              : [],
          ),
        ),
        "columns that the contract says are known with the outcome; charter",
      ),
    person: "How the outcome is measured, and how often it is wrong.",
  },
  {
    id: "data.size",
    askedBy: "REFORMS 3c",
    question: "How many rows, and how many in each part?",
    answer: ({ tables }) => {
      const own = tables.filter(({ value }) => !isQuarantine(value.contract.name));
      const parts = new Map(own.map(({ value }) => [value.role, value.rows]));
      return joined(
        [...parts].map(([role, rows]) => `${role} ${whole(rows)}`),
        "tables of the run",
      );
    },
    person: null,
  },
  {
    id: "data.missing",
    askedBy: "REFORMS 3d",
    question: "What is missing or broken in the data?",
    answer: ({ run }) => {
      const checked = run.stages.find(({ exhibits }) =>
        exhibits.some(({ title }) => title === "Checks"),
      );
      if (checked === undefined) return null;
      const caption = checked.exhibits.find(({ title }) => title === "Checks")?.caption;
      const found = checked.findings.map(({ check, found }) => `${check}: ${found}`);
      return joined(
        [...(caption === undefined ? [] : [caption]), ...found],
        `stage "${checked.stage}", checks and findings`,
      );
    },
    person: ({ run }) =>
      run.stages.some(({ exhibits }) => exhibits.some(({ title }) => title === "Checks"))
        ? null
        : "No stage of this run checked the data.",
  },
];

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
      by(evaluation, "evaluation", ({ cost, unit }) => {
        const of = ({ estimate }: { readonly estimate: number }) => number(estimate);
        return `model ${of(cost.model)}, "${run.graph.charter.baseline.name}" ${of(cost.baseline)}, never act ${of(cost.neverAct)}, always act ${of(cost.alwaysAct)} ${unit}`;
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
      const { truePositive, falsePositive, falseNegative, trueNegative } = metric.costs;
      return charter(
        `${metric.name} in ${metric.unit}: what each outcome costs (true positive ${number(truePositive)}, false positive ${number(falsePositive)}, false negative ${number(falseNegative)}, true negative ${number(trueNegative)})`,
      );
    },
    person: "Who estimated the costs, and how.",
  },
  {
    id: "metrics.others",
    askedBy: "REFORMS 7a",
    question: "How does it look by other measures?",
    answer: ({ evaluation }) =>
      by(evaluation, "evaluation", ({ rocAuc, averagePrecision, brierScore, calibrationError }) =>
        [
          ...(rocAuc === null ? [] : [`ROC AUC ${number(rocAuc)}`]),
          ...(averagePrecision === null ? [] : [`average precision ${number(averagePrecision)}`]),
          `Brier score ${number(brierScore)}`,
          `expected calibration error ${number(calibrationError)}`,
        ].join(", "),
      ),
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
        : "The gain was not looked at by any column: add slices.",
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

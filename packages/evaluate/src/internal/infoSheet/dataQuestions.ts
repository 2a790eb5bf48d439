/** What is claimed, how it is done again, and what the data are. */
import { Charter } from "@ml-pipe/core";
import { Table, Words } from "@ml-pipe/data";
import * as Duration from "effect/Duration";
import {
  by,
  charter,
  isQuarantine,
  joined,
  noEvaluation,
  type Question,
  sourceContracts,
  takenIn,
} from "./answers.ts";

const { counted, number, percent, whole } = Words;

export const claim: ReadonlyArray<Question> = [
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
        `"${decision.question}" ${Charter.moment(decision)}, by ${decision.actor}; ${surface}`,
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

export const reproducibility: ReadonlyArray<Question> = [
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

export const quality: ReadonlyArray<Question> = [
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

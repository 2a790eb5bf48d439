/** The figures of an evaluation of choices among classes, as data. */
import type { Exhibit } from "@ml-pipe/core";
import { Words } from "@ml-pipe/data";
import type { ClassificationEvaluation, Estimated } from "../../Evaluation.ts";

const { counted, number, percent } = Words;

/** Classes with a line of their own in a figure. */
const mostLines = 8;

/** What is about the classes themselves. */
export const classExhibits = (
  evaluation: ClassificationEvaluation,
): ReadonlyArray<Exhibit.Exhibit> => [
  confusion(evaluation),
  recalls(evaluation),
  classes(evaluation),
  reliability(evaluation),
  rates(evaluation),
];

const confusion = ({
  classes: names,
  choices,
  confusion: table,
}: ClassificationEvaluation): Exhibit.Exhibit => ({
  _tag: "table",
  title: "What was chosen for each class",
  caption: "rows are what it turned out to be, columns the choice with the lowest expected cost",
  columns: ["class", ...choices.map((choice) => `chose ${choice}`)],
  rows: names.map((name, row) => [name, ...(table[row] ?? [])]),
});

const recalls = ({ perClass }: ClassificationEvaluation): Exhibit.Exhibit => ({
  _tag: "bar",
  title: "Share of each class that is found",
  caption: "recall of the most probable class",
  value: { label: "share" },
  bars: perClass.flatMap(({ class: name, recall }) =>
    recall === null ? [] : [{ name, value: recall }],
  ),
});

const classes = ({ perClass }: ClassificationEvaluation): Exhibit.Exhibit => ({
  _tag: "table",
  title: "Classes",
  caption: "by the most probable class; ROC AUC of each class against the rest",
  columns: ["class", "rows", "chosen", "precision", "recall", "F1", "ROC AUC"],
  rows: perClass.map((one) => [
    one.class,
    one.rows,
    one.chosen,
    one.precision,
    one.recall,
    one.f1,
    one.rocAuc,
  ]),
});

const reliability = ({
  reliability: all,
  perClass,
  calibrationError,
  brierScore,
}: ClassificationEvaluation): Exhibit.Exhibit => {
  const frequent = perClass.toSorted((a, b) => b.rows - a.rows).slice(0, mostLines);
  const left = perClass.length - frequent.length;
  const points = (bins: ClassificationEvaluation["reliability"]) =>
    bins.map((bin) => [bin.meanProbability, bin.observedRate] as const);
  return {
    _tag: "line",
    title: "Reliability",
    caption: `expected calibration error of the most probable class ${number(calibrationError)}, Brier score ${number(brierScore)}${left === 0 ? "" : `; ${counted(left, "rarer class", "rarer classes")} not drawn`}`,
    x: { label: "mean probability given" },
    y: { label: "share that came true" },
    series: [
      { name: "most probable class", points: points(all), marks: true },
      ...frequent.map((one) => ({
        name: one.class,
        points: points(one.reliability),
        marks: true,
      })),
    ],
    diagonal: true,
  };
};

const rates = (evaluation: ClassificationEvaluation): Exhibit.Exhibit => {
  const { level, weightedF1, matthews, kappa, rocAuc, logLoss, brierScore } = evaluation;
  const row = (name: string, { estimate, interval }: Estimated) => [
    name,
    estimate,
    interval === null ? null : `${number(interval.lower)} to ${number(interval.upper)}`,
  ];
  return {
    _tag: "table",
    title: "Rates",
    caption: "by the most probable class",
    columns: ["measure", "model", `${percent(level)} interval`],
    rows: [
      row("accuracy", evaluation.accuracy),
      row("balanced accuracy", evaluation.balancedAccuracy),
      row("macro F1", evaluation.macroF1),
      ["weighted F1", weightedF1, null],
      ["Matthews' correlation", matthews, null],
      ["Cohen's kappa", kappa, null],
      ["ROC AUC, mean of the classes", rocAuc, null],
      ["log loss", logLoss, null],
      ["Brier score", brierScore, null],
    ],
  };
};

/** The figures of an evaluation of predicted numbers, as data. */
import type { Exhibit } from "@ml-pipe/core";
import { Words } from "@ml-pipe/data";
import type { Estimated, RegressionEvaluation } from "../../Evaluation.ts";

const { counted, number, percent } = Words;

/** What is about the numbers themselves; `unit` is that of the label, if the contract names it. */
export const numberExhibits = (
  evaluation: RegressionEvaluation,
  unit: string | undefined,
): ReadonlyArray<Exhibit.Exhibit> => [
  predictedAndActual(evaluation, unit),
  residuals(evaluation, unit),
  errors(evaluation, unit),
  ...sensitivity(evaluation),
];

const labelled = (what: string, unit: string | undefined): string =>
  unit === undefined ? what : `${what}, ${unit}`;

const predictedAndActual = (
  { byPrediction, errors: { bias } }: RegressionEvaluation,
  unit: string | undefined,
): Exhibit.Exhibit => ({
  _tag: "line",
  title: "Predicted and actual",
  caption: `means of ${counted(byPrediction.length, "group")} of rows by size of the prediction; on average ${bias < 0 ? "too little" : "too much"} by ${number(Math.abs(bias))}`,
  x: { label: labelled("mean predicted", unit) },
  y: { label: labelled("mean found", unit) },
  series: [
    {
      name: "model",
      points: byPrediction.map(({ meanPredicted, meanActual }) => [meanPredicted, meanActual]),
      marks: true,
    },
  ],
  diagonal: true,
});

const residuals = (
  { byPrediction, residuals: all }: RegressionEvaluation,
  unit: string | undefined,
): Exhibit.Exhibit => {
  const series = (
    name: string,
    of: (one: (typeof byPrediction)[number]["residuals"]) => number,
  ) => ({
    name,
    points: byPrediction.map((bin) => [bin.meanPredicted, of(bin.residuals)] as const),
    marks: true,
  });
  const spread = all.map(({ share, value }) => `${percent(share)} ${number(value)}`).join(", ");
  return {
    _tag: "line",
    title: "Residuals by prediction",
    caption: `predicted less found; over all rows: ${spread}`,
    x: { label: labelled("mean predicted", unit) },
    y: { label: labelled("residual", unit) },
    series: [
      series("95 % lie below", ({ high }) => high),
      series("middle", ({ middle }) => middle),
      series("5 % lie below", ({ low }) => low),
    ],
    rules: [{ y: 0, label: "right" }],
  };
};

const errors = (
  { errors: own, baselineErrors: baseline, level }: RegressionEvaluation,
  unit: string | undefined,
): Exhibit.Exhibit => {
  const sure = (one: Estimated | null): string | null =>
    one?.interval === null || one?.interval === undefined
      ? null
      : `${number(one.interval.lower)} to ${number(one.interval.upper)}`;
  return {
    _tag: "table",
    title: "Errors",
    caption: `${labelled("of the number", unit)}; percentages leave out ${counted(own.zeros, "row")} where it is 0`,
    columns: ["measure", "model", `${percent(level)} interval`, "baseline"],
    rows: [
      [
        "mean absolute error",
        own.meanAbsolute.estimate,
        sure(own.meanAbsolute),
        baseline.meanAbsolute,
      ],
      ["median absolute error", own.medianAbsolute, null, baseline.medianAbsolute],
      [
        "root mean squared error",
        own.rootMeanSquared.estimate,
        sure(own.rootMeanSquared),
        baseline.rootMeanSquared,
      ],
      ["bias", own.bias, null, baseline.bias],
      ["largest error", own.largest, null, baseline.largest],
      ["R²", own.r2?.estimate ?? null, sure(own.r2), baseline.r2],
      [
        "mean absolute percentage error",
        own.meanAbsolutePercentage,
        null,
        baseline.meanAbsolutePercentage,
      ],
      ["symmetric percentage error", own.symmetricPercentage, null, baseline.symmetricPercentage],
    ],
  };
};

const sensitivity = ({
  sensitivity: all,
  gain,
  unit,
}: RegressionEvaluation): ReadonlyArray<Exhibit.Exhibit> =>
  all.length === 0
    ? []
    : [
        {
          _tag: "table",
          title: "If the costs were different",
          caption: "one cost at a time; the predictions stay as they are",
          columns: ["cost of a unit", "times", `gain, ${unit}`],
          rows: [
            ["as in the charter", 1, gain.estimate],
            ...all.map(({ cost, factor, gain: changed }) => [cost, factor, changed]),
          ],
        },
      ];

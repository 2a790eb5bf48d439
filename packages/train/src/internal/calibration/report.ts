/** What a calibration brings, as it is shown: on rows that it was not fitted on. */
import type { Exhibit, Finding } from "@ml-pipe/core";
import { Calibration, Classification, Multiclass, Words } from "@ml-pipe/data";
import * as Result from "effect/Result";
import { type CalibrationMethod, fitCalibration, type Scored } from "./fitCalibration.ts";

/** How many parts of the rows are calibrated by what the others say. */
const parts = 5;

/** The scores as a calibration would give them to rows that it was not fitted on. */
export const crossFitted = (
  method: CalibrationMethod,
  { scores, labels, width }: Scored,
  fittedOn: Calibration.Calibration["fittedOn"],
): Float64Array => {
  const after = scores.slice();
  for (let part = 0; part < parts; part++) {
    const [inside, outside] = [true, false].map((held) =>
      Uint32Array.from(labels.keys()).filter((i) => (i % parts === part) === held),
    );
    const pick = (rows: Uint32Array = new Uint32Array()): Scored => ({
      scores: Float64Array.from({ length: rows.length * width }, (_, at) => {
        const row = rows[Math.floor(at / width)] ?? 0;
        return scores[row * width + (at % width)] ?? 0;
      }),
      labels: Float64Array.from(rows, (row) => labels[row] ?? 0),
      width,
    });
    const others = pick(outside);
    const held = pick(inside).scores;
    const enough = new Set(others.labels).size === Math.max(2, width);
    if (enough) Calibration.compile(fitCalibration(method, others, fittedOn), width)(held);
    for (const [at, row] of (inside ?? []).entries()) {
      after.set(held.subarray(at * width, (at + 1) * width), row * width);
    }
  }
  return after;
};

/** One yes/no question of each row: whether it is yes, or for several classes whether the likeliest comes true. */
const asked = ({ scores, labels, width }: Scored) => {
  if (width === 1) return { probability: scores, came: labels };
  const probability = new Float64Array(labels.length);
  const came = new Float64Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    const row = scores.subarray(i * width, (i + 1) * width);
    const first = row.reduce((best, p, k) => (p > (row[best] ?? 0) ? k : best), 0);
    probability[i] = row[first] ?? 0;
    came[i] = labels[i] === first ? 1 : 0;
  }
  return { probability, came };
};

/** See {@link measured}. */
export interface Measured {
  readonly logLoss: number;
  readonly brier: number;
  readonly calibrationError: number;
}

/** Log loss, Brier score and expected calibration error; all better when lower. */
export const measured = (scored: Scored): Measured => {
  const { scores, labels, width } = scored;
  let logLoss = 0;
  let brier = 0;
  for (let i = 0; i < labels.length; i++) {
    for (let k = 0; k < width; k++) {
      const p = scores[i * width + k] ?? 0;
      const hit = width === 1 ? labels[i] === 1 : labels[i] === k;
      brier += ((hit ? 1 : 0) - p) ** 2;
      if (hit) logLoss -= Math.log(Math.max(p, Calibration.nearest));
      else if (width === 1) logLoss -= Math.log(Math.max(1 - p, Calibration.nearest));
    }
  }
  const { probability, came } = asked(scored);
  const error = Classification.expectedCalibrationError(probability, came, bins);
  return {
    logLoss: logLoss / labels.length,
    brier: brier / labels.length,
    calibrationError: Result.getOrElse(error, () => 0),
  };
};

const bins = { bins: 10, binning: "quantile" } as const;

/** How often came true what was promised, before and after. */
export const reliability = (scored: Scored, after: Float64Array): Exhibit.Exhibit => {
  const series = (name: string, one: Scored) => {
    const { probability, came } = asked(one);
    const table = Result.getOrElse(Classification.reliability(probability, came, bins), () => []);
    const points = table.map(
      ({ meanProbability, observedRate }) => [meanProbability, observedRate] as const,
    );
    return { name, points, marks: true };
  };
  return {
    _tag: "line",
    title: "Reliability",
    caption:
      scored.width === 1
        ? "on the validation rows, in tenths; after: by a calibration fitted on other rows"
        : "of the likeliest class on the validation rows, in tenths; after: by a calibration fitted on other rows",
    x: { label: "probability given" },
    y: { label: "share that came true" },
    series: [series("before", scored), series("after", { ...scored, scores: after })],
    diagonal: true,
  };
};

/** The figures before and after. */
export const comparison = (was: Measured, is: Measured): Exhibit.Exhibit => {
  const figures = ({ logLoss, brier, calibrationError }: Measured) =>
    [logLoss, brier, calibrationError].map((value) => Number(value.toPrecision(6)));
  return {
    _tag: "table",
    title: "Calibration",
    caption: "on the validation rows; after: by a calibration fitted on other rows",
    columns: ["", "log loss", "Brier score", "calibration error"],
    rows: [
      ["before", ...figures(was)],
      ["after", ...figures(is)],
    ],
  };
};

/**
 * A model that puts what came true no higher than the rest: a calibration, which keeps its order or gives all rows
 * the same, cannot make it tell anything.
 */
export const orderFinding = (
  { scores, labels, width }: Scored,
  owner: string,
): ReadonlyArray<Finding.Finding> => {
  const auc = Result.getOrElse(
    width === 1
      ? Classification.rocAuc(scores, labels)
      : Result.map(
          Multiclass.oneVsRestAuc({ probabilities: scores, labels, classes: width }),
          ({ macro }) => macro ?? 1,
        ),
    () => 1,
  );
  if (auc > 0.5) return [];
  return [
    {
      check: "calibrate.order",
      severity: "warn",
      owner,
      expected: "a model that tells the validation rows apart: a ROC AUC above 0.5",
      found: `${Words.number(auc)}: what it promises more of came true no more often`,
      rows: labels.length,
      next: "Compare the label and the features of both parts of the split; a calibration mends no order.",
    },
  ];
};

/** Below this many rows an isotonic map follows chance. */
const isotonicRows = 1000;

/** What speaks against the calibration. */
export const calibrationFindings = (about: {
  readonly method: CalibrationMethod;
  readonly rows: number;
  readonly was: Measured;
  readonly is: Measured;
  readonly owner: string;
}): ReadonlyArray<Finding.Finding> => {
  const { method, rows, was, is, owner } = about;
  const few: Finding.Finding = {
    check: "calibrate.rows",
    severity: "warn",
    owner,
    expected: `${Words.whole(isotonicRows)} validation rows or more for an isotonic calibration`,
    found: Words.counted(rows, "row"),
    rows,
    next: 'Use method "platt", which two numbers describe, or a larger validation part.',
  };
  const worse: Finding.Finding = {
    check: "calibrate.helps",
    severity: "warn",
    owner,
    expected: `a Brier score below ${was.brier.toPrecision(4)}, that of the model as it was`,
    found: is.brier.toPrecision(4),
    next: "Leave the calibration out, or try another method.",
  };
  return [
    ...(method === "isotonic" && rows < isotonicRows ? [few] : []),
    ...(is.brier < was.brier ? [] : [worse]),
  ];
};

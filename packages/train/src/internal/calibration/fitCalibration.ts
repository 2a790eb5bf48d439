/** Fits a calibration of any method to scores and labels. */
import { Calibration } from "@ml-pipe/data";
import { isotonicSteps } from "./isotonic.ts";
import { plattCurve } from "./platt.ts";
import { temperatureOf } from "./temperature.ts";

/** How probabilities are calibrated; see `Calibration` in `@ml-pipe/data`. */
export type CalibrationMethod = "platt" | "isotonic" | "temperature";

/** Scores of a model and what came true. */
export interface Scored {
  /** Probabilities, row after row, `width` for each. */
  readonly scores: Float64Array;
  /** 0 or 1; with several classes the number of the class. */
  readonly labels: Float64Array;
  readonly width: number;
}

/** Fits it. Each class must have a row, and there must be a row without it. */
export const fitCalibration = (
  method: CalibrationMethod,
  { scores, labels, width }: Scored,
  fittedOn: Calibration.Calibration["fittedOn"],
): Calibration.Calibration => {
  const base = { version: 1, fittedOn } as const;
  const outputs = Array.from({ length: width }, (_, k) => ({
    scores: labels.map((_, i) => scores[i * width + k]!),
    labels: width === 1 ? labels : labels.map((label) => (label === k ? 1 : 0)),
  }));
  switch (method) {
    case "isotonic": {
      const steps = outputs.map((one) => isotonicSteps(one.scores, one.labels));
      return { _tag: "Isotonic", ...base, steps };
    }
    case "platt": {
      const curves = outputs.map((one) =>
        plattCurve(one.scores.map(Calibration.logit), one.labels),
      );
      return {
        _tag: "Platt",
        ...base,
        slopes: curves.map(({ slope }) => slope),
        intercepts: curves.map(({ intercept }) => intercept),
      };
    }
    case "temperature": {
      const logarithms = scores.map(
        width === 1 ? Calibration.logit : (p) => Math.log(Math.max(p, Calibration.nearest)),
      );
      const temperature = temperatureOf(logarithms, labels, width);
      return { _tag: "Temperature", ...base, temperature };
    }
  }
};

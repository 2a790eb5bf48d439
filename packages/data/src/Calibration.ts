/**
 * Calibrations: maps from the probabilities that an estimator gives to ones that come true as often as they
 * say. Fitted on validation rows by `Train.calibrate`, stored with the model, and applied wherever it is
 * scored. Like a model they are data only.
 */
import { Digest } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { type Report, sameLength } from "./estimator/problems.ts";
import { applyLink, sigmoid } from "./estimator/Scorer.ts";

const Numbers = Schema.Array(Schema.Finite);

const fittedOn = {
  version: Schema.Literal(1),
  /** The validation rows that it was fitted on. */
  fittedOn: Schema.Struct({ table: Digest.Digest, rows: Schema.Int }),
};

/** Map `i` goes through the points `from[i]`, `to[i]`, straight between them and level beyond. */
const Steps = Schema.Struct({ from: Numbers, to: Numbers });

/**
 * How probabilities `p` are mapped; with several classes each by itself, and then divided by their sum:
 * - `Platt`: `sigmoid(slope · logit(p) + intercept)`, a slope and an intercept for each output (Platt 1999);
 * - `Isotonic`: the points of a function that never falls (Zadrozny & Elkan 2002), for each output.
 *
 * `Temperature` divides the log-odds, or the logarithms of all classes, by one number (Guo et al. 2017): it
 * changes how sure a model is, and never which class comes first.
 */
export const Calibration = Schema.Union([
  Schema.TaggedStruct("Platt", { ...fittedOn, slopes: Numbers, intercepts: Numbers }),
  Schema.TaggedStruct("Isotonic", { ...fittedOn, steps: Schema.Array(Steps) }),
  Schema.TaggedStruct("Temperature", { ...fittedOn, temperature: Schema.Finite }),
]);
/** See {@link Calibration}. */
export type Calibration = typeof Calibration.Type;

/** Probabilities this near to 0 or 1 count as this near: a logarithm of 0 is no number. */
export const nearest = 1e-15;

/**
 * The log-odds of a probability, cut to about ±34.5.
 *
 * @example
 * ```ts
 * import { Calibration } from "@ml-pipe/data";
 *
 * const even: number = Calibration.logit(0.5); // 0
 * ```
 */
export const logit = (p: number): number => {
  const cut = Math.min(Math.max(p, nearest), 1 - nearest);
  return Math.log(cut / (1 - cut));
};

/** Every fault of a calibration of a model with this many scores a row. */
export const problems = (calibration: Calibration, width: number, report: Report): void => {
  switch (calibration._tag) {
    case "Platt":
      sameLength(calibration, ["slopes", "intercepts"], width, "calibration.", report);
      for (const [k, slope] of calibration.slopes.entries()) {
        if (!(slope >= 0))
          report(`calibration.slopes[${k}]`, `the slope ${slope} reverses the order`);
      }
      return;
    case "Isotonic":
      sameLength(calibration, ["steps"], width, "calibration.", report);
      for (const [k, { from, to }] of calibration.steps.entries()) {
        const at = `calibration.steps[${k}]`;
        if (from.length === 0) report(`${at}.from`, "no point");
        sameLength({ to }, ["to"], from.length, `${at}.`, report);
        const falls = from.findIndex(
          (x, i) => i > 0 && !(x > from[i - 1]! && to[i]! >= to[i - 1]!),
        );
        if (falls >= 0) report(`${at}.from[${falls}]`, "the points do not rise");
        const outside = to.findIndex((p) => !(p >= 0 && p <= 1));
        if (outside >= 0) report(`${at}.to[${outside}]`, `${to[outside]} is no probability`);
      }
      return;
    case "Temperature":
      if (!(calibration.temperature > 0)) {
        report("calibration.temperature", `${calibration.temperature} is not above 0`);
      }
  }
};

/**
 * Compiles a calibration to a function that maps scores in place: those of whole rows, `width` for each.
 *
 * @example
 * ```ts
 * import { Calibration } from "@ml-pipe/data";
 *
 * const calibrated = (calibration: Calibration.Calibration) => {
 *   const scores = Float64Array.of(0.2, 0.9);
 *   Calibration.compile(calibration, 1)(scores);
 *   return scores;
 * };
 * ```
 */
export const compile = (
  calibration: Calibration,
  width: number,
): ((scores: Float64Array) => void) => {
  if (calibration._tag === "Temperature") return withTemperature(calibration.temperature, width);
  const maps =
    calibration._tag === "Platt"
      ? calibration.slopes.map((slope, k) => {
          const intercept = calibration.intercepts[k] ?? 0;
          return (p: number) => sigmoid(slope * logit(p) + intercept);
        })
      : calibration.steps.map(interpolation);
  const [only] = maps;
  if (width === 1 && only !== undefined) {
    return (scores) => {
      for (let i = 0; i < scores.length; i++) scores[i] = only(scores[i]!);
    };
  }
  return (scores) => {
    for (let row = 0; row < scores.length; row += width) {
      let sum = 0;
      for (const [k, map] of maps.entries()) sum += scores[row + k] = map(scores[row + k]!);
      for (let k = row; k < row + width; k++) scores[k] = sum > 0 ? scores[k]! / sum : 1 / width;
    }
  };
};

const withTemperature = (temperature: number, width: number): ((scores: Float64Array) => void) =>
  width === 1
    ? (scores) => {
        for (let i = 0; i < scores.length; i++)
          scores[i] = sigmoid(logit(scores[i]!) / temperature);
      }
    : (scores) => {
        for (let i = 0; i < scores.length; i++) {
          scores[i] = Math.log(Math.max(scores[i]!, nearest)) / temperature;
        }
        applyLink("softmax", width, scores, 0, scores.length);
      };

/** Straight between the points, level beyond. */
const interpolation = ({ from, to }: typeof Steps.Type): ((p: number) => number) => {
  const x = Float64Array.from(from);
  const y = Float64Array.from(to);
  const last = x.length - 1;
  return (p) => {
    if (!(p > x[0]!)) return y[0]!;
    if (p >= x[last]!) return y[last]!;
    let low = 0;
    let high = last;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (x[middle]! <= p) low = middle;
      else high = middle;
    }
    const share = (p - x[low]!) / (x[high]! - x[low]!);
    return y[low]! + share * (y[high]! - y[low]!);
  };
};

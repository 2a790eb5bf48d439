/** The metrics of a card: what the evaluation says, by the names that the Hub and the toolkit know. */
import type { Interval } from "@ml-pipe/data";
import type {
  AnyEvaluation,
  ClassificationEvaluation,
  Evaluation,
  RegressionEvaluation,
} from "../../Evaluation.ts";
import type { Known } from "../infoSheet/known.ts";

/** One metric. */
export interface CardMetric {
  /** Its id in the library of metrics on the Hub, where there is one. */
  readonly type: string;
  readonly name: string;
  readonly value: number;
  readonly interval: Interval.Interval | null;
  readonly slice?: string;
}

/** Of all rows, the business metric first. */
export const metricsOf = ({ evaluation, run }: Known): ReadonlyArray<CardMetric> => {
  if (evaluation === undefined) return [];
  const { cost, gain, unit } = evaluation.value;
  const { name } = run.graph.charter.metric;
  return [
    ...metric("cost", `${name} (${unit})`, cost.model),
    ...metric("gain", `gain over the baseline (${unit})`, gain),
    ...ofKind(evaluation.value),
  ];
};

/** What is predicted shows in the numbers of its evaluation. */
const ofKind = (value: AnyEvaluation): ReadonlyArray<CardMetric> =>
  "threshold" in value ? decisions(value) : "errors" in value ? numbers(value) : choices(value);

const decisions = (value: Evaluation): ReadonlyArray<CardMetric> => [
  ...(value.rocAuc === null
    ? []
    : metric("roc_auc", "ROC AUC", { estimate: value.rocAuc, interval: value.rocAucInterval })),
  ...metric("average_precision", "average precision", value.averagePrecision),
  ...metric("log_loss", "log loss (nats)", value.logLoss),
  ...metric("brier_score", "Brier score", value.brierScore),
  ...metric("calibration_error", "expected calibration error", value.calibrationError),
];

const numbers = ({ errors }: RegressionEvaluation): ReadonlyArray<CardMetric> => [
  ...metric("mae", "mean absolute error", errors.meanAbsolute),
  ...metric("rmse", "root mean squared error", errors.rootMeanSquared),
  ...metric("r_squared", "R²", errors.r2),
];

const choices = (value: ClassificationEvaluation): ReadonlyArray<CardMetric> => [
  ...metric("accuracy", "accuracy", value.accuracy),
  ...metric("f1", "macro F1", value.macroF1),
  ...metric("matthews_correlation", "Matthews correlation", value.matthews),
  ...metric("log_loss", "log loss (nats)", value.logLoss),
];

const metric = (
  type: string,
  name: string,
  value: number | { readonly estimate: number; readonly interval: Interval.Interval | null } | null,
): ReadonlyArray<CardMetric> => {
  if (value === null) return [];
  return typeof value === "number"
    ? [{ type, name, value, interval: null }]
    : [{ type, name, value: value.estimate, interval: value.interval }];
};

/** The gain on each slice. */
export const slicesOf = ({ evaluation }: Known): ReadonlyArray<CardMetric> =>
  (evaluation?.value.slices ?? []).map(({ column, value, gain }) => ({
    type: "gain",
    name: `gain over the baseline (${evaluation?.value.unit ?? ""})`,
    value: gain.estimate,
    interval: gain.interval,
    slice: `${column} ${value ?? "(missing)"}`,
  }));

/** The metrics of a card: what the evaluation says, by the names that the Hub and the toolkit know. */
import type { Interval } from "@ml-pipe/data";
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
  const { cost, gain, unit, rocAuc, rocAucInterval, averagePrecision, logLoss, brierScore } =
    evaluation.value;
  const { metric } = run.graph.charter;
  const plain = (type: string, name: string, value: number | null) =>
    value === null ? [] : [{ type, name, value, interval: null }];
  return [
    {
      type: "cost",
      name: `${metric.name} (${unit})`,
      value: cost.model.estimate,
      interval: cost.model.interval,
    },
    {
      type: "gain",
      name: `gain over the baseline (${unit})`,
      value: gain.estimate,
      interval: gain.interval,
    },
    ...(rocAuc === null
      ? []
      : [{ type: "roc_auc", name: "ROC AUC", value: rocAuc, interval: rocAucInterval }]),
    ...plain("average_precision", "average precision", averagePrecision),
    ...plain("log_loss", "log loss (nats)", logLoss),
    ...plain("brier_score", "Brier score", brierScore),
    ...plain("calibration_error", "expected calibration error", evaluation.value.calibrationError),
  ];
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

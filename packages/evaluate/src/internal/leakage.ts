/** Too good to be true: looks for the feature that knows the outcome. */
import { Classification, type Model } from "@ml-pipe/data";

/** A feature's share of what the model uses, largest first. */
export interface Importance {
  readonly feature: string;
  readonly share: number;
}

/**
 * Shares of gain of a tree ensemble; of absolute standardised coefficients of a linear model. A model in
 * ONNX does not say.
 */
export const importanceOf = (estimator: Model.AnyEstimator): ReadonlyArray<Importance> => {
  const weights =
    estimator._tag === "TreeEnsemble"
      ? estimator.importance
      : estimator._tag === "LinearModel"
        ? estimator.features.map((_, j) =>
            estimator.coefficients.reduce((sum, own) => sum + Math.abs(own[j] ?? 0), 0),
          )
        : [];
  const total = weights.reduce((sum, one) => sum + one, 0);
  if (!(total > 0)) return [];
  return estimator.features
    .map((feature, index) => ({ feature, share: (weights[index] ?? 0) / total }))
    .toSorted((a, b) => b.share - a.share);
};

/** A feature that alone nearly tells the outcome. */
export interface Suspect extends Importance {
  readonly rocAuc: number;
}

/** Share of the importance from which one feature is looked at on its own. */
export const dominantShare = 0.9;
/** ROC AUC of one feature alone from which it is suspected. */
export const suspiciousFeatureAuc = 0.95;

/** Rows that are enough to tell an AUC of 0.95 from an honest one. */
const sampleRows = 100_000;

/**
 * The feature with the highest ROC AUC of its own: among all if the model's AUC is suspicious, else only
 * one that holds nearly all of the importance, and only if it nearly tells the outcome.
 */
export const findSuspect = (
  model: { readonly estimator: Model.AnyEstimator; readonly suspicious: boolean },
  features: ReadonlyArray<Float64Array>,
  label: Float64Array,
): Suspect | null => {
  const importance = importanceOf(model.estimator);
  const candidates = importance.filter(
    ({ share }) => share > 0 && (model.suspicious || share > dominantShare),
  );
  const stride = Math.max(1, Math.ceil(label.length / sampleRows));
  const sample = (column: Float64Array) => column.filter((_, row) => row % stride === 0);
  const labels = sample(label);
  const [first] = candidates
    .map(({ feature, share }) => {
      const column = features[model.estimator.features.indexOf(feature)];
      return { feature, share, rocAuc: column === undefined ? 0 : aucOf(sample(column), labels) };
    })
    .toSorted((a, b) => b.rocAuc - a.rocAuc);
  if (first === undefined) return null;
  return model.suspicious || first.rocAuc >= suspiciousFeatureAuc ? first : null;
};

/** In the better direction, and with missing values at the better end: a leak may hide in either. */
const aucOf = (column: Float64Array, label: Float64Array): number => {
  const ends = column.some(Number.isNaN) ? [-Infinity, Infinity] : [0];
  const areas = ends.map((end) => {
    const filled = column.map((value) => (Number.isNaN(value) ? end : value));
    const auc = Classification.rocAuc(filled, label);
    return auc._tag === "Success" ? Math.max(auc.success, 1 - auc.success) : 0;
  });
  return Math.max(...areas);
};

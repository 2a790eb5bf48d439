/** How much each feature of a built-in model moves its predictions. */
import { Explanation, type Estimator, type Model } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { Contributions } from "../../Contributions.ts";
import type { Features } from "../rows.ts";

/** Rows that are explained, spread over those given: their mean tells enough, and each takes its time. */
const mostRows = 1000;

/** Mean absolute contributions, most first; null for a model in ONNX, whose inside is not known. */
export const contributionsOf = Effect.fnUntraced(function* (
  model: { readonly estimator: Model.AnyEstimator; readonly signature?: Model.Signature },
  columns: Features,
): Effect.fn.Return<Contributions | null, Estimator.ScoreInputInvalid> {
  const { estimator, signature } = model;
  if (estimator._tag === "OnnxModel") return null;
  const { features } = estimator;
  const all = columns[0]?.length ?? 0;
  const rows = Math.min(mostRows, all);
  const some = columns.map((column) =>
    Float64Array.from({ length: rows }, (_, row) => column[Math.floor((row * all) / rows)] ?? NaN),
  );
  const means = yield* Explanation.meanAbsolute(estimator, some);
  const width = means.length / features.length;
  return {
    rows,
    scale: Explanation.make(estimator).scale,
    classes: signature?._tag === "classes" ? signature.classes : [],
    features: features
      .map((feature, j) => {
        const byOutput = Array.from(
          { length: width },
          (_, k) => means[k * features.length + j] ?? 0,
        );
        return { feature, mean: byOutput.reduce((sum, one) => sum + one, 0), byOutput };
      })
      .toSorted((a, b) => b.mean - a.mean),
  };
});

/** Partial dependence: what the model says with one feature set to a value in all rows. */
import type { Artifact } from "@ml-pipe/core";
import type { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type { Dependence } from "../../Explain.ts";
import type { Rows, ScoreError } from "../rows.ts";

/** Values of a feature that are tried, at most. */
const points = 20;
/** Rows whose own curves are kept. */
const single = 12;

/**
 * The values to try: all of them if they are few, else evenly spaced between the 5th and 95th percentile,
 * beyond which there is little to say.
 */
export const gridOf = (column: Float64Array): ReadonlyArray<number> => {
  const known = column.filter((value) => Number.isFinite(value)).toSorted();
  const distinct = [...new Set(known)];
  if (distinct.length <= points) return distinct;
  const at = (share: number) => known[Math.round(share * (known.length - 1))] ?? 0;
  const [low, high] = [at(0.05), at(0.95)];
  if (low === high) return [low];
  return Array.from({ length: points }, (_, k) => low + ((high - low) * k) / (points - 1));
};

/** The curves of one feature: the mean over all rows, and those of some, spread over the table. */
export const curvesOf = Effect.fnUntraced(function* (
  rows: Rows,
  column: number,
  values: ReadonlyArray<number>,
): Effect.fn.Return<Dependence, ScoreError, Duckdb.Duckdb | Artifact.ArtifactStore> {
  const count = Math.min(single, rows.rows);
  const chosen = Array.from({ length: count }, (_, k) => Math.floor((k * rows.rows) / count));
  const { width } = rows.scoring;
  const classes = rows.signature._tag === "classes" ? rows.signature.classes : [null];
  const outputs = classes.map((name) => ({
    class: name,
    mean: new Array<number>(),
    rows: chosen.map(() => new Array<number>()),
  }));
  for (const value of values) {
    const features = rows.features.map((one, index) =>
      index === column ? new Float64Array(rows.rows).fill(value) : one,
    );
    const scores = yield* rows.score(features);
    for (const [k, { mean, rows: curves }] of outputs.entries()) {
      let sum = 0;
      for (let at = k; at < scores.length; at += width) sum += scores[at]!;
      mean.push(sum / rows.rows);
      for (const [at, row] of chosen.entries()) curves[at]?.push(scores[row * width + k] ?? 0);
    }
    yield* Effect.yieldNow;
  }
  return { feature: rows.names[column] ?? "", values, outputs };
});

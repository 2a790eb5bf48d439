/** What a release predicted on each live row, what came of it, and what both cost. */
import type { Artifact, Charter, Contract } from "@ml-pipe/core";
import {
  BusinessCost,
  type Duckdb,
  type FeatureSet,
  Predictions,
  type Release,
  type StatisticsError,
  type Table,
} from "@ml-pipe/data";
import * as Effect from "effect/Effect";

/** Parallel arrays, one element per row. Costs count only where the outcome is known. */
export interface Outcomes extends Pick<
  Predictions.Predictions,
  "rows" | "undated" | "unlabelled" | "premature"
> {
  readonly day: Float64Array;
  /** The probability, the number, or the probability of the most probable class. */
  readonly predicted: Float64Array;
  /** 1 or 0, the number, or whether the most probable class was right; NaN where that is not known. */
  readonly observed: Float64Array;
  readonly cost: Float64Array;
  readonly baselineCost: Float64Array;
}

/** Scores the live rows and charges what is known by the charter's metric. */
export const outcomesOf = Effect.fnUntraced(function* <
  C extends Contract.Contract,
  Out extends Contract.Contract,
>(
  set: FeatureSet.FeatureSet<C, Out>,
  about: {
    readonly release: Release.ModelRelease;
    readonly live: Table.AnyTable;
    readonly charter: Charter.Charter;
    readonly outcomesBy: number;
  },
): Effect.fn.Return<
  Outcomes,
  Predictions.PredictionsError | StatisticsError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const { release, live, charter, outcomesBy } = about;
  const { metric, baseline } = charter.spec;
  if ("list" in metric) {
    throw new TypeError(`monitor: a release does not answer with what "${metric.name}" measures`);
  }
  const charged = yield* Effect.fromResult(BusinessCost.of(metric));
  // The release goes by its own threshold or costs; what it does is charged by the charter's.
  const { done } = yield* Effect.fromResult(BusinessCost.asReleased(charged, release));
  const { classes } = charged;
  const predicted = yield* Predictions.read(set, {
    model: release.model,
    table: live,
    baseline,
    classes,
    rows: "all",
    outcomesBy,
    blocks: "day",
  });
  const { label, signature } = predicted;
  const known = label.map((one) => (Number.isNaN(one) ? 0 : one));
  const said =
    signature._tag === "classes"
      ? mostProbable(predicted, signature.classes, classes.labels)
      : { predicted: predicted.scores, observed: label };
  return {
    ...predicted,
    ...said,
    day: predicted.block,
    cost: yield* charged.of(yield* done(predicted), known),
    baselineCost: yield* charged.of(predicted.baseline, known),
  };
});

/** The probability of the most probable class of each row, and whether that was right. */
const mostProbable = (
  { scores, label, rows }: Predictions.Predictions,
  classes: ReadonlyArray<string>,
  labels: ReadonlyArray<string>,
): Pick<Outcomes, "predicted" | "observed"> => {
  const [predicted, observed] = [new Float64Array(rows), new Float64Array(rows)];
  const width = classes.length;
  for (let row = 0; row < rows; row++) {
    let best = 0;
    for (let one = 1; one < width; one++) {
      if (scores[row * width + one]! > scores[row * width + best]!) best = one;
    }
    predicted[row] = scores[row * width + best]!;
    const found = label[row]!;
    observed[row] = Number.isNaN(found) ? Number.NaN : Number(classes[best] === labels[found]);
  }
  return { predicted, observed };
};

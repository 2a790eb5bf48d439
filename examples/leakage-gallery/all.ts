/** Runs every example and prints what the README's table says. */
import { Artifact, Duckdb, Leakage, Stage, Store } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type { Example } from "./gallery.ts";
import * as noTestSet from "./L1.1-no-test-set.ts";
import * as preProcessing from "./L1.2-pre-processing.ts";
import * as featureSelection from "./L1.3-feature-selection.ts";
import * as duplicates from "./L1.4-duplicates.ts";
import * as illegitimateFeature from "./L2-illegitimate-feature.ts";
import * as temporal from "./L3.1-temporal.ts";
import * as groups from "./L3.2-groups.ts";
import * as samplingBias from "./L3.3-sampling-bias.ts";
import * as repeatedUse from "./R-repeated-use.ts";

/** DuckDB, and artifacts that are gone afterwards. */
export const services = Layer.mergeAll(
  Duckdb.Duckdb.layer(),
  Artifact.ArtifactStore.layerTemporary,
);

/** Each example begins with an empty ledger, as a project of its own would. */
const alone = <E, R>(example: Effect.Effect<Example, E, R>) =>
  example.pipe(
    Effect.provide(Store.Store.layerMemory),
    Effect.provideService(Stage.Reporter, () => Effect.void),
  );

/** All examples, in the order of the kinds. */
export const examples = Effect.all([
  alone(noTestSet.example),
  alone(preProcessing.example),
  alone(featureSelection.example),
  alone(duplicates.example),
  alone(illegitimateFeature.example),
  alone(temporal.example),
  alone(groups.example),
  alone(samplingBias.example),
  alone(repeatedUse.example),
]).pipe(Effect.provide(services));

/** One row of the table in the README. */
export const rowOf = ({ kind, leaky, caught, honest }: Example): string => {
  const name = Leakage.kinds.find(({ id }) => id === kind)?.name ?? "";
  return `| ${kind} | ${name} | ${leaky.toFixed(2)} | ${caught} | ${honest.toFixed(2)} |`;
};

if (import.meta.main) {
  const found = await Effect.runPromise(examples);
  for (const example of found) console.log(rowOf(example));
}

/** The feature sets of a file: those that it exports, and those that its pipeline computes. */
import { type Contract, Digest, FeatureSet, Pipeline } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { NotValid } from "../commands/prepare.ts";
import { importFile } from "../pipeline/loadPipeline.ts";
import { computedBy } from "./computed.ts";
import { toProblem } from "../view/problem.ts";

/** The file has no feature set, or its pipeline one that nobody can compare. */
export class NoFeatureSets extends Schema.TaggedError<NoFeatureSets>()("NoFeatureSets", {
  /** Sets that the pipeline computes and the file does not export. */
  hidden: Schema.Array(Schema.String),
}) {
  override get message(): string {
    return this.hidden.length === 0
      ? "it has no feature set: it exports none, and no stage of its pipeline computes one"
      : `its pipeline computes ${this.hidden.map((name) => `"${name}"`).join(", ")}, which the file does not export, so that nothing can be compared. Write: export const … = FeatureSet.make(…)`;
  }
}

/** Loads them. Fails with {@link NotValid}, which says what is wrong with the file. */
export const loadFeatureSets = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<ReadonlyArray<FeatureSet.FeatureSet<Contract.Contract>>, NotValid> {
  const imported = yield* Effect.result(importFile(file));
  if (Result.isFailure(imported)) {
    return yield* Effect.fail(new NotValid([toProblem(imported.failure)]));
  }
  const exported = imported.success;
  const sets = Object.values(exported).filter(isFeatureSet);
  const known = new Set<string>(sets.map(({ digest }) => digest));
  const main = exported["default"];
  const computed = Pipeline.isPipeline(main) ? computedBy(main) : [];
  const hidden = computed.filter(({ digest }) => !known.has(digest)).map(({ name }) => name);
  if (hidden.length > 0 || sets.length === 0) {
    return yield* Effect.fail(new NotValid([toProblem(new NoFeatureSets({ hidden }))]));
  }
  return sets.toSorted((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
});

const isSpec = Schema.is(FeatureSet.FeatureSetSpec);

const isFeatureSet = (value: unknown): value is FeatureSet.FeatureSet =>
  typeof value === "object" &&
  value !== null &&
  "spec" in value &&
  "source" in value &&
  "contract" in value &&
  "digest" in value &&
  isSpec(value.spec) &&
  Digest.ofJson(value.spec) === value.digest;

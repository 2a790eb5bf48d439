/** What a stage handed on the last time it ran in this pipeline, as the store recorded it. */
import { Artifact, Digest, type Finding, Stage, Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";

/**
 * The outputs of the last execution, if it was on the same parameters and its tables are still there;
 * otherwise a finding says why everything is read. Nothing outside an engine.
 */
export const previousOf = Effect.fnUntraced(function* <A>(
  outputs: Schema.ConstraintCodec<A, unknown>,
  params: Schema.Json,
  told: {
    readonly owner: string;
    readonly finding: (finding: Finding.Finding) => Effect.Effect<void>;
  },
): Effect.fn.Return<A | undefined, Store.StoreError, Store.Store | Artifact.ArtifactStore> {
  const current = yield* Stage.CurrentRun;
  if (current === undefined) return undefined;
  const store = yield* Store.Store;
  const last = Option.getOrUndefined(yield* store.lastExecution(current.pipeline, current.stage));
  if (last?.outputs === undefined) return undefined;
  const anew = (found: string) =>
    Effect.as(
      told.finding({
        check: "increments.continued",
        severity: "info",
        owner: told.owner,
        expected: `to go on from run ${last.run}`,
        found,
        next: "Everything is read again; nothing needs to be done.",
      }),
      undefined,
    );
  if (Digest.ofJson(last.ingredients?.params ?? null) !== Digest.ofJson(params)) {
    return yield* anew("that the contract, the source or an option is another one now");
  }
  const decode = Schema.decodeUnknownOption(Schema.toCodecJson(outputs));
  const decoded = Option.getOrUndefined(decode(last.outputs));
  if (decoded === undefined) return yield* anew("that its output has another form");
  const artifacts = yield* Artifact.ArtifactStore;
  const verified = yield* Effect.result(
    Effect.forEach(Artifact.referencedBy(last.outputs), artifacts.verify),
  );
  if (verified._tag === "Failure")
    return yield* anew("that its table is not in the store any more");
  return decoded;
});

/** Whether an earlier execution of a stage can be reused, and why not. */
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type * as Schema from "effect/Schema";
import type { ArtifactStore } from "../Artifact.ts";
import * as Digest from "../Digest.ts";
import { CodeOf } from "../Engine.ts";
import type { Change } from "../Plan.ts";
import type { Ingredients, StageRun } from "../Run.ts";
import type { StageInfo } from "../Stage.ts";
import { Store, type StoreError } from "../Store.ts";
import type { GraphNode } from "./builder.ts";
import { changesBetween, changesText } from "./changes.ts";
import { brokenReference } from "./intact.ts";
import { contractsOf, decodeOutputs, type Values } from "./outputs.ts";

/** What a stage would be executed as. */
export type Identity =
  | { readonly _tag: "Known"; readonly cacheKey: string; readonly ingredients: Ingredients }
  | { readonly _tag: "Unknown"; readonly reason: string };

/**
 * The cache key of a stage on its inputs, and what it is made of. Where inputs are missing, what it reads
 * because of them is not known, and null.
 */
export const identityOf = Effect.fnUntraced(function* <E, R>(
  node: GraphNode<E, R>,
  inputs: Values,
): Effect.fn.Return<Identity, E, R> {
  const { info } = node;
  const code = yield* (yield* CodeOf)(node);
  const reads = yield* readsOf(node, inputs);
  if (code._tag === "Unknown") return code;
  const ingredients: Ingredients = {
    code: code.parts,
    params: info.params,
    charter: info.charter ?? null,
    contracts: contractsOf(info),
    environment: Object.fromEntries(
      info.environment.map((name) => {
        const value = process.env[name];
        return [name, value === undefined ? null : Digest.ofBytes(value)];
      }),
    ),
    reads,
    inputs: Object.fromEntries(
      Object.entries(inputs).map(([port, { digest }]) => [port, digest()]),
    ),
  };
  return { _tag: "Known", cacheKey: Digest.ofJson([info.name, ingredients]), ingredients };
});

const readsOf = <E, R>(
  { info, fingerprint }: GraphNode<E, R>,
  inputs: Values,
): Effect.Effect<Schema.Json, E, R> => {
  if (Effect.isEffect(fingerprint)) return fingerprint;
  const known = Object.keys(info.inputs).every((port) => inputs[port] !== undefined);
  return known
    ? fingerprint(
        Object.fromEntries(Object.entries(inputs).map(([port, { value }]) => [port, value])),
      )
    : Effect.succeed(null);
};

/** An execution that can be reused, or why there is none. */
export type Lookup =
  | { readonly _tag: "Hit"; readonly record: StageRun; readonly values: Values }
  | { readonly _tag: "Miss"; readonly reason: string; readonly changes: ReadonlyArray<Change> };

const miss = (reason: string, changes: ReadonlyArray<Change> = []): Lookup => ({
  _tag: "Miss",
  reason,
  changes,
});

interface Question {
  readonly pipeline: string;
  readonly info: StageInfo;
  readonly identity: Identity;
  /** Why the stage must run whatever is cached, if it must. */
  readonly forced: string | undefined;
  /** What this run recorded of the stage before it was interrupted. */
  readonly earlier: StageRun | undefined;
  /** Whether that counts also if the stage was stopped early. */
  readonly keepStopped: boolean | undefined;
}

/** Looks for a usable earlier execution: one whose artifacts are all there, bit for bit. */
export const lookUp = Effect.fnUntraced(function* ({
  pipeline,
  info,
  identity,
  forced,
  earlier,
  keepStopped,
}: Question): Effect.fn.Return<Lookup, StoreError, Store | ArtifactStore> {
  if (identity._tag === "Unknown") return miss(`not cached: ${identity.reason}`);
  const { cacheKey, ingredients } = identity;
  // An approval may have expired since, or another word may have been given.
  if (info.kind === "approval") return miss("asks every time");
  const finished = earlier?.status === "succeeded" || earlier?.status === "cached";
  const same = finished && earlier.cacheKey === cacheKey;
  const stopped = same && earlier.stoppedEarly === true && keepStopped !== true;
  if (same && !stopped) return yield* usable(info, earlier);
  if (info.cache === "never") return miss("acts on the outside world: never cached");
  if (forced !== undefined) return miss(forced);
  const store = yield* Store;
  const found = Option.getOrUndefined(yield* store.findByCacheKey(cacheKey));
  const failed = found?.items?.failed ?? 0;
  if (failed > 0) return miss(`${failed} of its items failed: they are tried again`);
  if (found !== undefined) return yield* usable(info, found);
  if (stopped) return miss("it was stopped early: it runs again, to its end");
  const last = Option.getOrUndefined(yield* store.lastExecution(pipeline, info.name));
  if (last?.ingredients === undefined) return miss("it has not run before");
  const changes = changesBetween(last.ingredients, ingredients);
  return miss(changesText(changes), changes);
});

const usable = Effect.fnUntraced(function* (
  info: StageInfo,
  record: StageRun,
): Effect.fn.Return<Lookup, never, ArtifactStore> {
  const { outputs } = record;
  if (outputs === undefined) return miss("the earlier execution has no recorded output");
  const broken = yield* brokenReference(outputs);
  if (broken !== undefined) return miss(broken);
  const decoded = yield* Effect.result(decodeOutputs(info, outputs));
  return decoded._tag === "Failure"
    ? miss("the recorded output does not fit the schema any more")
    : { _tag: "Hit", record, values: decoded.success };
});

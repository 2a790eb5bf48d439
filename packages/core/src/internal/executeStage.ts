/** One stage of one run on one machine: look it up, or run it; record it either way. */
import * as Cause from "effect/Cause";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import { type ArtifactStore, referencedBy } from "../Artifact.ts";
import type { OutputMismatch, RunEvent } from "../Engine.ts";
import type { Run, StageRun } from "../Run.ts";
import { Reporter } from "../Stage.ts";
import type { Store, StoreError } from "../Store.ts";
import type { GraphNode } from "./builder.ts";
import { identityOf, lookUp } from "./cacheKey.ts";
import { collector } from "./collector.ts";
import { CurrentRun } from "./CurrentRun.ts";
import { failureOf, statusOf } from "./failure.ts";
import { needsOf, type ResourcePool } from "./resourcePool.ts";
import { GrantedCores, ItemJournal } from "./ItemJournal.ts";
import { journalOf } from "./journalOf.ts";
import { encodeOutputs, type Values } from "./outputs.ts";
import { annotateStage, stageSpan } from "./spans.ts";
import { runStoppable } from "./stoppable.ts";

interface Request<E, R> {
  readonly run: Pick<Run, "id" | "pipeline" | "startedBy">;
  readonly node: GraphNode<E, R>;
  readonly inputs: Values;
  /** Why the stage must run whatever is cached, if it must. */
  readonly forced: string | undefined;
  /** What this run recorded of the stage before it was interrupted, if it was. */
  readonly earlier: StageRun | undefined;
  readonly keepStopped: boolean | undefined;
  readonly pool: ResourcePool;
  readonly emit: (event: RunEvent) => Effect.Effect<void>;
  /** Writes the stage's record: before it runs, and when it has ended. */
  readonly record: (stage: StageRun) => Effect.Effect<void, StoreError>;
}

/**
 * Executes one stage. The stage's own end is the result; it fails only if it cannot be recorded or the
 * run is interrupted, and that is recorded first.
 */
export const executeStage = <E, R>(
  request: Request<E, R>,
): Effect.Effect<Exit.Exit<Values, E | OutputMismatch>, StoreError, R | Store | ArtifactStore> =>
  Effect.uninterruptibleMask((restore) => execute(request, restore)).pipe(
    stageSpan(request.run, request.node.info.name),
  );

const execute = Effect.fnUntraced(function* <E, R>(
  request: Request<E, R>,
  restore: <A, E1, R1>(effect: Effect.Effect<A, E1, R1>) => Effect.Effect<A, E1, R1>,
): Effect.fn.Return<Exit.Exit<Values, E | OutputMismatch>, StoreError, R | Store | ArtifactStore> {
  const { run, node, pool, emit, record } = request;
  const { info } = node;
  const begun: StageRun = {
    run: run.id,
    stage: info.name,
    status: "running",
    startedAt: new Date(yield* Clock.currentTimeMillis),
    cacheNote: "",
    findings: [],
    exhibits: [],
    signals: [],
  };
  const end = Effect.fnUntraced(function* (stage: StageRun) {
    const ended = { ...stage, endedAt: new Date(yield* Clock.currentTimeMillis) };
    yield* record(ended);
    yield* annotateStage(ended);
    yield* emit({ _tag: "StageEnded", stage: ended });
  });
  const endBadly = Effect.fnUntraced(function* (
    stage: StageRun,
    cause: Cause.Cause<E | OutputMismatch>,
  ) {
    const status = statusOf(cause);
    yield* end({
      ...stage,
      status,
      ...(status === "interrupted" ? {} : { failure: failureOf(cause) }),
    });
    if (status === "interrupted") return yield* Effect.failCause(Cause.interrupt());
    return Exit.failCause(cause);
  });

  const identified = yield* Effect.exit(restore(identityOf(node, request.inputs)));
  if (Exit.isFailure(identified)) return yield* endBadly(begun, identified.cause);
  const identity = identified.value;
  const { forced, earlier, keepStopped } = request;
  const question = { pipeline: run.pipeline, info, identity, forced, earlier, keepStopped };
  const cached = yield* restore(lookUp(question));
  if (cached._tag === "Hit" && cached.record === earlier) {
    yield* annotateStage({ ...earlier, status: "cached" });
    yield* emit({ _tag: "StageEnded", stage: earlier });
    return Exit.succeed(cached.values);
  }
  if (cached._tag === "Hit") {
    yield* end({
      ...cached.record,
      run: begun.run,
      startedAt: begun.startedAt,
      status: "cached",
      reusedFrom: cached.record.reusedFrom ?? cached.record.run,
      cacheNote: "inputs, parameters and code are unchanged",
    });
    return Exit.succeed(cached.values);
  }

  const planned: StageRun = {
    ...begun,
    cacheNote: cached.reason,
    ...(info.cache === "never" ? { thisRunOnly: true } : {}),
    ...(identity._tag === "Unknown"
      ? {}
      : { cacheKey: identity.cacheKey, ingredients: identity.ingredients }),
  };
  const { cores } = needsOf(info.resources, pool.capacity);
  const perform = Effect.gen(function* () {
    const now = new Date(yield* Clock.currentTimeMillis);
    const started: StageRun = { ...planned, startedAt: now };
    yield* record(started);
    const told = collector(info.name, emit);
    const values = Object.fromEntries(
      Object.entries(request.inputs).map(([port, { value }]) => [port, value]),
    );
    const journal =
      info.kind !== "each" || identity._tag === "Unknown"
        ? undefined
        : yield* journalOf({
            run,
            info,
            ingredients: identity.ingredients,
            readsByItem: !Effect.isEffect(node.fingerprint),
            forced: forced !== undefined,
          });
    const work = emit({ _tag: "StageStarted", stage: started }).pipe(
      Effect.andThen(node.run(values)),
      Effect.flatMap((value) => encodeOutputs(info, value)),
      Effect.provideService(Reporter, told.report),
      Effect.provideService(ItemJournal, journal),
      Effect.provideService(GrantedCores, cores),
      Effect.provideService(CurrentRun, {
        run: run.id,
        pipeline: run.pipeline,
        stage: info.name,
        ...(run.startedBy === undefined ? {} : { startedBy: run.startedBy }),
      }),
    );
    const { exit, early } = yield* runStoppable(work, restore);
    const done = {
      ...started,
      ...told.collected(),
      ...(early ? { thisRunOnly: true, stoppedEarly: true } : {}),
    };
    if (Exit.isFailure(exit)) return yield* endBadly(done, exit.cause);
    const outputs = Object.fromEntries(
      Object.entries(exit.value).map(([port, { json }]) => [port, json]),
    );
    const bytes = referencedBy(outputs).reduce((sum, artifact) => sum + artifact.bytes, 0);
    yield* end({ ...done, status: "succeeded", outputs, ...(bytes === 0 ? {} : { bytes }) });
    return Exit.succeed(exit.value);
  });
  const progress = { label: `waits for ${cores === 1 ? "a core" : `${cores} cores`}` };
  const onWait = emit({ _tag: "StageProgress", stage: info.name, progress });
  return yield* pool.use(info.resources, onWait)(perform);
});

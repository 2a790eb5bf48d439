/** One stage of one run on one machine: look it up, or run it; record it either way. */
import * as Cause from "effect/Cause";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Option from "effect/Option";
import { ArtifactStore, referencedBy } from "../Artifact.ts";
import * as Digest from "../Digest.ts";
import { CodeOf, type OutputMismatch, type RunEvent } from "../Engine.ts";
import type { Exhibit } from "../Exhibit.ts";
import type { Finding } from "../Finding.ts";
import type { StageRun } from "../Run.ts";
import type { Emitted } from "../Signal.ts";
import { Reporter, type StageEvent, type StageInfo } from "../Stage.ts";
import { Store, type StoreError } from "../Store.ts";
import type { GraphNode } from "./builder.ts";
import { failureOf, statusOf } from "./failure.ts";
import { contractsOf, decodeOutputs, encodeOutputs, type Values } from "./outputs.ts";

interface Request<E, R> {
  readonly run: string;
  readonly node: GraphNode<E, R>;
  readonly inputs: Values;
  /** Why the stage must run whatever is cached, if it must. */
  readonly forced: string | undefined;
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
  Effect.uninterruptibleMask((restore) => execute(request, restore));

const execute = Effect.fnUntraced(function* <E, R>(
  request: Request<E, R>,
  restore: <A, E1, R1>(effect: Effect.Effect<A, E1, R1>) => Effect.Effect<A, E1, R1>,
): Effect.fn.Return<Exit.Exit<Values, E | OutputMismatch>, StoreError, R | Store | ArtifactStore> {
  const { node, emit, record } = request;
  const { info } = node;
  const begun: StageRun = {
    run: request.run,
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

  const key = yield* Effect.exit(restore(cacheKeyOf(request)));
  if (Exit.isFailure(key)) return yield* endBadly(begun, key.cause);
  const { cacheKey, cacheNote } = key.value;
  const cached = yield* restore(lookUp(info, cacheKey, request.forced));
  if (cached._tag === "Hit") {
    yield* end({
      ...cached.record,
      run: begun.run,
      startedAt: begun.startedAt,
      status: "cached",
      reusedFrom: cached.record.run,
      cacheNote: "inputs, parameters and code are unchanged",
    });
    return Exit.succeed(cached.values);
  }

  const started = {
    ...begun,
    cacheNote: cacheNote ?? cached.reason,
    ...(cacheKey === undefined ? {} : { cacheKey }),
  };
  yield* record(started);
  const told = collector(info.name, emit);
  const values = Object.fromEntries(
    Object.entries(request.inputs).map(([port, { value }]) => [port, value]),
  );
  const exit = yield* emit({ _tag: "StageStarted", stage: started }).pipe(
    Effect.andThen(node.run(values)),
    Effect.flatMap((value) => encodeOutputs(info, value)),
    Effect.provideService(Reporter, told.report),
    Effect.withSpan(`stage ${info.name}`),
    restore,
    Effect.exit,
  );
  const done = { ...started, ...told.collected() };
  if (Exit.isFailure(exit)) return yield* endBadly(done, exit.cause);
  const outputs = Object.fromEntries(
    Object.entries(exit.value).map(([port, { json }]) => [port, json]),
  );
  yield* end({ ...done, status: "succeeded", outputs });
  return Exit.succeed(exit.value);
});

/** Gathers what a stage tells, for its record. */
const collector = (stage: string, emit: (event: RunEvent) => Effect.Effect<void>) => {
  const findings: Array<Finding> = [];
  const exhibits: Array<Exhibit> = [];
  const signals: Array<Emitted> = [];
  let rows: number | undefined;
  const report = (event: StageEvent) => {
    switch (event._tag) {
      case "Finding":
        return Effect.sync(() => findings.push(event.finding));
      case "Exhibit":
        return Effect.sync(() => exhibits.push(event.exhibit));
      case "Signal":
        return Effect.sync(() => signals.push(event.emitted));
      case "Progress":
        rows = event.progress.rows ?? rows;
        return emit({ _tag: "StageProgress", stage, progress: event.progress });
    }
  };
  return {
    report: (event: StageEvent) => Effect.asVoid(report(event)),
    collected: () => ({ findings, exhibits, signals, ...(rows === undefined ? {} : { rows }) }),
  };
};

/**
 * The cache key of a stage: its code, parameters, charter and contracts, what it reads, and its
 * inputs' content.
 */
const cacheKeyOf = Effect.fnUntraced(function* <E, R>({ node, inputs }: Request<E, R>) {
  const { name, params, cache, charter = null } = node.info;
  if (cache === "never") return { cacheNote: "acts on the outside world: never cached" };
  const code = yield* (yield* CodeOf)(node);
  const read = yield* node.fingerprint;
  if (code._tag === "Unknown") return { cacheNote: `not cached: ${code.reason}` };
  const content = Object.entries(inputs).map(([port, { digest }]) => [port, digest()]);
  const contracts = contractsOf(node.info);
  return {
    cacheKey: Digest.ofJson([
      name,
      code.digest,
      params,
      charter,
      contracts,
      read,
      Object.fromEntries(content),
    ]),
  };
});

type Lookup =
  | { readonly _tag: "Miss"; readonly reason: string }
  | { readonly _tag: "Hit"; readonly record: StageRun; readonly values: Values };

/** A usable earlier execution: one whose artifacts are all there, bit for bit. */
const lookUp = Effect.fnUntraced(function* (
  info: StageInfo,
  key: string | undefined,
  forced: string | undefined,
): Effect.fn.Return<Lookup, StoreError, Store | ArtifactStore> {
  const miss = (reason: string): Lookup => ({ _tag: "Miss", reason });
  if (key === undefined) return miss("");
  if (forced !== undefined) return miss(forced);
  const found = Option.getOrUndefined(yield* (yield* Store).findByCacheKey(key));
  const recorded = found?.outputs;
  if (found === undefined || recorded === undefined) {
    return miss("no earlier run with these inputs, parameters and code");
  }
  const artifacts = yield* ArtifactStore;
  const verified = yield* Effect.result(Effect.forEach(referencedBy(recorded), artifacts.verify));
  if (verified._tag === "Failure") return miss(verified.failure.message);
  const decoded = yield* Effect.result(decodeOutputs(info, recorded));
  return decoded._tag === "Failure"
    ? miss("the recorded output does not fit the schema any more")
    : { _tag: "Hit", record: found, values: decoded.success };
});

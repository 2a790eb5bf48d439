/** One stage of one run on one machine: look it up, or run it; record it either way. */
import * as Cause from "effect/Cause";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { ArtifactStore, referencedBy } from "../Artifact.ts";
import * as Digest from "../Digest.ts";
import { CodeOf, OutputMismatch, type RunEvent } from "../Engine.ts";
import type { Exhibit } from "../Exhibit.ts";
import type { Finding } from "../Finding.ts";
import type { StageRun } from "../Run.ts";
import type { Emitted } from "../Signal.ts";
import { type Fields, Reporter, type StageEvent } from "../Stage.ts";
import { Store, type StoreError } from "../Store.ts";
import type { GraphNode } from "./builder.ts";
import { failureOf, statusOf } from "./failure.ts";

/** A value on an edge of the graph, and the JSON that its digest is taken of. */
export interface Value {
  readonly value: unknown;
  readonly json: Schema.Json;
}

/** The outputs of a stage by port ("" for a single one). */
export type Values = { readonly [port: string]: Value };

interface Request<E, R> {
  readonly run: string;
  readonly node: GraphNode<E, R>;
  readonly inputs: { readonly [port: string]: Value };
  readonly force: boolean;
  readonly emit: (event: RunEvent) => Effect.Effect<void>;
}

/** Executes one stage. Fails only if it cannot be recorded; the stage's own end is the result. */
export const executeStage = Effect.fnUntraced(function* <E, R>(
  request: Request<E, R>,
): Effect.fn.Return<Exit.Exit<Values, E | OutputMismatch>, StoreError, R | Store | ArtifactStore> {
  const { node, emit } = request;
  const store = yield* Store;
  const begun: StageRun = {
    run: request.run,
    stage: node.info.name,
    status: "running",
    startedAt: new Date(yield* Clock.currentTimeMillis),
    cacheNote: "",
    findings: [],
    exhibits: [],
    signals: [],
  };
  const end = Effect.fnUntraced(function* (record: StageRun) {
    const ended = { ...record, endedAt: new Date(yield* Clock.currentTimeMillis) };
    yield* store.putStage(ended);
    yield* emit({ _tag: "StageEnded", stage: ended });
  });

  const key = yield* Effect.exit(cacheKeyOf(request));
  if (Exit.isFailure(key)) {
    yield* end({ ...begun, status: statusOf(key.cause), failure: failureOf(key.cause) });
    return Exit.failCause(key.cause);
  }
  const { cacheKey, cacheNote } = key.value;
  const cached = yield* lookUp(node, cacheKey, request.force);
  if (cached._tag === "Hit") {
    const { record, values } = cached;
    yield* end({
      ...record,
      run: begun.run,
      startedAt: begun.startedAt,
      status: "cached",
      reusedFrom: record.run,
      cacheNote: "inputs, parameters and code are unchanged",
    });
    return Exit.succeed(values);
  }

  const started = {
    ...begun,
    cacheNote: cacheNote ?? cached.reason,
    ...(cacheKey === undefined ? {} : { cacheKey }),
  };
  yield* store.putStage(started);
  yield* emit({ _tag: "StageStarted", stage: started });
  const told = collector(node.info.name, emit);
  const values = Object.fromEntries(
    Object.entries(request.inputs).map(([port, { value }]) => [port, value]),
  );
  const exit = yield* node.run(values).pipe(
    Effect.flatMap((value) => encodeOutputs(node, value)),
    Effect.provideService(Reporter, told.report),
    Effect.withSpan(`stage ${node.info.name}`),
    Effect.onInterrupt(() =>
      Effect.ignore(end({ ...started, ...told.collected(), status: "interrupted" })),
    ),
    Effect.exit,
  );
  if (Exit.isFailure(exit)) {
    const { cause } = exit;
    if (Cause.hasInterruptsOnly(cause)) return yield* Effect.failCause(Cause.interrupt());
    yield* end({
      ...started,
      ...told.collected(),
      status: statusOf(cause),
      failure: failureOf(cause),
    });
    return Exit.failCause(cause);
  }
  const outputs = Object.fromEntries(
    Object.entries(exit.value).map(([port, { json }]) => [port, json]),
  );
  yield* end({ ...started, ...told.collected(), status: "succeeded", outputs });
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

/** The cache key of a stage: its code, parameters, schemas, what it reads, and its inputs' content. */
const cacheKeyOf = Effect.fnUntraced(function* <E, R>({ node, inputs }: Request<E, R>) {
  const { name, params, cache } = node.info;
  if (cache === "never") return { cacheNote: "acts on the outside world: never cached" };
  const code = yield* (yield* CodeOf)(node);
  const read = yield* node.fingerprint;
  if (code._tag === "Unknown") return { cacheNote: `not cached: ${code.reason}` };
  const content = Object.entries(inputs).map(([port, { json }]) => [port, Digest.ofJson(json)]);
  const cacheKey = Digest.ofJson([name, code.digest, params, read, Object.fromEntries(content)]);
  return { cacheKey };
});

type Lookup =
  | { readonly _tag: "Miss"; readonly reason: string }
  | { readonly _tag: "Hit"; readonly record: StageRun; readonly values: Values };

/** A usable earlier execution: one whose artifacts are all there, bit for bit. */
const lookUp = Effect.fnUntraced(function* (
  node: GraphNode,
  key: string | undefined,
  force: boolean,
): Effect.fn.Return<Lookup, StoreError, Store | ArtifactStore> {
  const miss = (reason: string): Lookup => ({ _tag: "Miss", reason });
  if (key === undefined) return miss("");
  if (force) return miss("forced");
  const found = Option.getOrUndefined(yield* (yield* Store).findByCacheKey(key));
  const recorded = found?.outputs;
  if (found === undefined || recorded === undefined) {
    return miss("no earlier run with these inputs, parameters and code");
  }
  const artifacts = yield* ArtifactStore;
  const verified = yield* Effect.result(Effect.forEach(referencedBy(recorded), artifacts.verify));
  if (verified._tag === "Failure") return miss(verified.failure.message);
  const decoded = yield* Effect.option(
    Effect.forEach(outputsOf(node), ([port, schema]) =>
      Schema.decodeUnknownEffect(schema)(recorded[port]).pipe(
        Effect.map((value): readonly [string, Value] => [
          port,
          { value, json: recorded[port] ?? null },
        ]),
      ),
    ),
  );
  return Option.isNone(decoded)
    ? miss("the recorded output does not fit the schema any more")
    : { _tag: "Hit", record: found, values: Object.fromEntries(decoded.value) };
});

const outputsOf = ({ info }: GraphNode): ReadonlyArray<readonly [string, Fields[string]]> =>
  "single" in info.output ? [["", info.output.single]] : Object.entries(info.output.ports);

const encodeOutputs = Effect.fnUntraced(function* (node: GraphNode, value: unknown) {
  const isRecord = typeof value === "object" && value !== null;
  const of = (port: string): unknown =>
    port === "" ? value : isRecord ? Reflect.get(value, port) : undefined;
  const encoded = yield* Effect.forEach(outputsOf(node), ([port, schema]) =>
    Schema.encodeUnknownEffect(schema)(of(port)).pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Schema.Json)),
      Effect.mapBoth({
        onSuccess: (json): readonly [string, Value] => [port, { value: of(port), json }],
        onFailure: (error) =>
          new OutputMismatch({ stage: node.info.name, output: port, problem: error.message }),
      }),
    ),
  );
  return Object.fromEntries(encoded);
});

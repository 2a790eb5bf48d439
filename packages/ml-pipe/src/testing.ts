/**
 * A testing kit for the authors of stages and pipelines: stages on tables of ten rows, a virtual clock
 * and services in memory, so that retries, schedules, approvals and hooks are unit tests that take
 * milliseconds. Works with any test runner.
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import {
  Approval,
  Artifact,
  type Charter,
  Charter as Charters,
  type Contract,
  Engine,
  type Exhibit,
  type Finding,
  LocalEngine,
  type Metric,
  type Pipeline,
  type Run,
  type Signal,
  Stage,
  Store,
} from "@ml-pipe/core";
import { Duckdb, FeatureStore, Table, TableSchema } from "@ml-pipe/data";
import { Registry } from "@ml-pipe/deploy";
import type * as Duration from "effect/Duration";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Schema from "effect/Schema";
import { TestClock } from "effect/testing";
import type { LocalError, Services } from "./Local.ts";

/** A folder that goes away with the scope. */
const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-testing-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
);

/**
 * Everything a pipeline needs, with nothing left behind: runs are recorded in memory, artifacts are in
 * a temporary folder, and time is virtual: it begins in 1970 and stands still until {@link elapse}
 * moves it. Every stage's code counts as known, so that caching works as it does on the command line.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/ml-pipe";
 * import * as Testing from "@ml-pipe/ml-pipe/testing";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 *
 * const double = Stage.make("double", {
 *   input: { n: Schema.Finite }, output: Schema.Finite, run: ({ n }) => Effect.succeed(2 * n),
 * });
 * const four = await Effect.runPromise(double.run({ n: 2 }).pipe(Effect.provide(Testing.layer)));
 * ```
 */
export const layer: Layer.Layer<Services | TestClock.TestClock, LocalError> =
  LocalEngine.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        Store.Store.layerMemory,
        Artifact.ArtifactStore.layerTemporary,
        Duckdb.Duckdb.layer({ threads: 1 }),
        FeatureStore.FeatureStore.layerMemory,
        Layer.unwrap(Effect.map(temporaryFolder, Registry.Registry.layer)),
        Layer.succeed(Engine.CodeOf, () =>
          Effect.succeed({ _tag: "Known", parts: { tests: "1" } } as const),
        ),
      ),
    ),
    Layer.provideMerge(TestClock.layer()),
  );

/** A charter for pipelines of which a test wants to know something else. */
export const charter: Charter.Charter<Metric.DecisionMetric> = Charters.make({
  title: "test",
  decision: { question: "?", madeAt: "now", actor: "nobody", outcomeKnownAfter: "1 day" },
  metric: {
    name: "cost",
    unit: "USD per row",
    costs: { truePositive: 0, falsePositive: 1, falseNegative: 1, trueNegative: 0 },
  },
  baseline: { name: "never", description: "always no", rule: false },
  smallestGain: 0.01,
  surface: "none",
  kill: { on: "2100-01-01", criterion: "never" },
  owner: "tests",
});

/**
 * Rows as a table under a contract, in a role. The rows are typed by the contract; `null` stands for a
 * missing value. Rows that break the contract's expectations can be written: that is what tests of
 * validation need.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/ml-pipe";
 * import * as Testing from "@ml-pipe/ml-pipe/testing";
 *
 * const Flight = Contract.make("flight", {
 *   version: "1.0.0", owner: "ops",
 *   columns: { at: Column.timestamp(), delay: Column.int({ unit: "min" }) },
 * });
 * const two = Testing.table(Flight, "checked", [
 *   { at: new Date("2026-01-01"), delay: 5 },
 *   { at: new Date("2026-01-02"), delay: -3 },
 * ]);
 * ```
 */
export const table = <C extends Contract.Contract, R extends Table.Role>(
  contract: C,
  role: R,
  rows: ReadonlyArray<{
    readonly [K in keyof Contract.Row<C>]: Contract.Row<C>[K] | null;
  }>,
): Effect.Effect<Table.Table<C, R>, Table.WriteError, Duckdb.Duckdb | Artifact.ArtifactStore> => {
  const columns = Object.entries(contract.spec.columns);
  const names = columns.map(([name]) => Duckdb.identifier(name));
  const typed = columns.map(
    ([, column], at) =>
      `CAST(${names[at]} AS ${TableSchema.canonicalType(column)}) AS ${names[at]}`,
  );
  const tuple = (row: object) =>
    `(${columns.map(([name]) => sqlOf(Reflect.get(row, name))).join(", ")})`;
  const none = `(${columns.map(() => "NULL").join(", ")})`;
  const values = rows.length === 0 ? none : rows.map(tuple).join(", ");
  const limit = rows.length === 0 ? " LIMIT 0" : "";
  return Table.write(contract, role, {
    query: `SELECT ${typed.join(", ")} FROM (VALUES ${values}) AS v(${names.join(", ")})${limit}`,
  });
};

const sqlOf = (value: unknown): string => {
  if (value === null || value === undefined) return "NULL";
  if (value instanceof Date) return `epoch_ms(${value.getTime()})`;
  if (typeof value === "string") return Duckdb.literal(value);
  if (typeof value === "number") return `CAST('${value}' AS DOUBLE)`;
  if (Array.isArray(value)) return `[${value.map(sqlOf).join(", ")}]`;
  if (typeof value !== "object") return String(value);
  const fields = Object.entries(value).map(
    ([name, one]) => `${Duckdb.literal(name)}: ${sqlOf(one)}`,
  );
  return `{${fields.join(", ")}}`;
};

/**
 * The rows of a table, to look at in a test. For small ones: they all become objects.
 *
 * @example
 * ```ts
 * import type { Table } from "@ml-pipe/ml-pipe";
 * import * as Testing from "@ml-pipe/ml-pipe/testing";
 *
 * const look = (table: Table.AnyTable) => Testing.rows(table);
 * ```
 */
export const rows = Effect.fnUntraced(function* (
  table: Table.AnyTable,
): Effect.fn.Return<
  ReadonlyArray<{ readonly [column: string]: unknown }>,
  Table.ReadError | Duckdb.DuckdbError,
  Duckdb.Duckdb | Artifact.ArtifactStore
> {
  const db = yield* Duckdb.Duckdb;
  const relation = yield* Table.relation(table);
  const columns = yield* TableSchema.describe(relation);
  const select = columns.map(({ name, type }) => {
    const column = Duckdb.identifier(name);
    if (type === "BIGINT") return `CAST(${column} AS DOUBLE) AS ${column}`;
    return type === "TIMESTAMP" ? `CAST(epoch_ms(${column}) AS DOUBLE) AS ${column}` : column;
  });
  const found = yield* db.rows(
    "read a table of a test",
    `SELECT ${select.join(", ")} FROM ${relation}`,
  );
  const instants = new Set(
    columns.flatMap(({ name, type }) => (type === "TIMESTAMP" ? [name] : [])),
  );
  return found.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        instants.has(name) && typeof value === "number" ? new Date(value) : value,
      ]),
    ),
  );
});

/** All that a stage told while it ran, and how it ended. */
export interface Told<out A, out E> {
  readonly exit: Exit.Exit<A, E>;
  readonly findings: ReadonlyArray<Finding.Finding>;
  readonly signals: ReadonlyArray<Signal.Emitted>;
  readonly exhibits: ReadonlyArray<Exhibit.Exhibit>;
  readonly progress: ReadonlyArray<Stage.Progress>;
  /** Attempts that failed and were made again. */
  readonly attempts: ReadonlyArray<Run.Attempt>;
}

/**
 * Runs one stage and keeps what it tells: findings, signals, progress, failed attempts.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/ml-pipe";
 * import * as Testing from "@ml-pipe/ml-pipe/testing";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 *
 * const count = Stage.make("count", {
 *   input: {},
 *   output: Schema.Int,
 *   run: (_, { progress }) => Effect.as(progress({ label: "counted", rows: 3 }), 3),
 * });
 * const rows = Effect.map(Testing.listen(count.run({})), ({ progress }) => progress[0]?.rows); // 3
 * ```
 */
export const listen = Effect.fnUntraced(function* <A, E, R>(
  effect: Effect.Effect<A, E, R>,
): Effect.fn.Return<Told<A, E>, never, R> {
  const events: Array<Stage.StageEvent> = [];
  const report = (event: Stage.StageEvent) => Effect.sync(() => void events.push(event));
  const exit = yield* Effect.exit(effect.pipe(Effect.provideService(Stage.Reporter, report)));
  return {
    exit,
    findings: events.flatMap((event) => (event._tag === "Finding" ? [event.finding] : [])),
    signals: events.flatMap((event) => (event._tag === "Signal" ? [event.emitted] : [])),
    exhibits: events.flatMap((event) => (event._tag === "Exhibit" ? [event.exhibit] : [])),
    progress: events.flatMap((event) => (event._tag === "Progress" ? [event.progress] : [])),
    attempts: events.flatMap((event) => (event._tag === "Retry" ? [event.attempt] : [])),
  };
});

/**
 * Runs an effect while virtual time goes on: sleeps, schedules and time-outs within it happen at once.
 *
 * @example
 * ```ts
 * import * as Testing from "@ml-pipe/ml-pipe/testing";
 * import * as Effect from "effect/Effect";
 *
 * const late = Effect.as(Effect.sleep("3 days"), "done");
 * const atOnce = Testing.elapse("1 week", late).pipe(Effect.provide(Testing.layer));
 * ```
 */
export const elapse = Effect.fnUntraced(function* <A, E, R>(
  time: Duration.Input,
  effect: Effect.Effect<A, E, R>,
): Effect.fn.Return<A, E, R> {
  const fiber = yield* Effect.forkChild(effect);
  yield* TestClock.adjust(time);
  return yield* Fiber.join(fiber);
});

/** How a run of a pipeline ended, and what is recorded of it. */
export interface Observed<out A, out E> {
  readonly exit: Exit.Exit<A, E>;
  readonly run: Run.Run;
  readonly events: ReadonlyArray<Engine.RunEvent>;
  /** `succeeded`, `cached`, `suspended`, … by stage. */
  readonly statuses: { readonly [stage: string]: Run.StageStatus };
}

/** No run was recorded, because it could not begin: the cause says why. */
export class NotBegun extends Schema.TaggedError<NotBegun>()("NotBegun", {
  pipeline: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    return `pipeline "${this.pipeline}" did not begin to run: ${this.problem}`;
  }
}

/**
 * Runs a pipeline and tells how it went, also if it failed.
 *
 * @example
 * ```ts
 * import type { Pipeline } from "@ml-pipe/ml-pipe";
 * import * as Testing from "@ml-pipe/ml-pipe/testing";
 * import * as Effect from "effect/Effect";
 *
 * const passes = (pipeline: Pipeline.Pipeline<unknown, Error, never>) =>
 *   Effect.map(Testing.observe(pipeline), ({ run }) => run.status === "succeeded");
 * ```
 */
export const observe = Effect.fnUntraced(function* <A, E, R>(
  pipeline: Pipeline.Pipeline<A, E, R>,
  options: Omit<Engine.RunOptions, "onEvent"> = {},
): Effect.fn.Return<
  Observed<Pipeline.OutputsOf<Pipeline.Pipeline<A, E, R>>, E | Engine.EngineError>,
  NotBegun,
  Engine.Engine | Exclude<R, Engine.EngineServices>
> {
  const engine = yield* Engine.Engine;
  const events: Array<Engine.RunEvent> = [];
  const onEvent = (event: Engine.RunEvent) => Effect.sync(() => void events.push(event));
  const exit = yield* Effect.exit(engine.run(pipeline, { ...options, onEvent }));
  const ended = events.findLast(({ _tag }) => _tag === "RunEnded");
  if (ended?._tag !== "RunEnded") {
    const problem = Exit.isFailure(exit) ? String(exit.cause) : "no event was told";
    return yield* new NotBegun({ pipeline: pipeline.name, problem });
  }
  const { run } = ended;
  const statuses = Object.fromEntries(run.stages.map(({ stage, status }) => [stage, status]));
  return { exit: Exit.map(exit, ({ outputs }) => outputs), run, events, statuses };
});

/**
 * Says yes at a gate that a run waits at, as one of its approvers. To say no, or to be refused, use
 * `Approval.give`.
 *
 * @example
 * ```ts
 * import type { Run } from "@ml-pipe/ml-pipe";
 * import * as Testing from "@ml-pipe/ml-pipe/testing";
 *
 * const yes = (run: Run.Run) => Testing.approve(run, { as: "ana", input: { percent: 5 } });
 * ```
 */
export const approve = (
  run: Run.Run,
  word: Pick<Approval.Word, "as" | "gate" | "input">,
): Effect.Effect<Approval.Approval, Approval.ApprovalRefused | Store.StoreError, Store.Store> =>
  Approval.give({ run: run.id, decision: "approve", reason: "tested", ...word });

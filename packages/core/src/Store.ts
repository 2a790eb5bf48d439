/**
 * The store of run records. One service, two layers: SQLite for one machine, memory for tests.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { Run, RunSummary, StageRun } from "./Run.ts";

/** The record of runs could not be read or written. */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  operation: Schema.String,
  path: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    return `cannot ${this.operation} in ${this.path}: ${this.problem}. Check that the state folder is writable and the disk is not full, or choose another folder with --state.`;
  }
}

/** How runs are recorded and found. */
export interface StoreShape {
  readonly startRun: (run: Run) => Effect.Effect<void, StoreError>;
  /** Replaces the run's own fields; its stages are written by {@link putStage}. */
  readonly endRun: (run: Run) => Effect.Effect<void, StoreError>;
  readonly putStage: (stage: StageRun) => Effect.Effect<void, StoreError>;
  /** The newest execution that succeeded under a cache key. */
  readonly findByCacheKey: (key: string) => Effect.Effect<Option.Option<StageRun>, StoreError>;
  /** Newest first. */
  readonly runs: (limit: number) => Effect.Effect<ReadonlyArray<RunSummary>, StoreError>;
  /** The run with this id or unambiguous beginning of one; the newest if none is given. */
  readonly run: (id?: string) => Effect.Effect<Option.Option<Run>, StoreError>;
}

/**
 * The store of run records.
 *
 * @example
 * ```ts
 * import { Store } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 *
 * const newest = Effect.gen(function* () {
 *   const store = yield* Store.Store;
 *   return yield* store.run();
 * }).pipe(Effect.provide(Store.Store.layerMemory));
 * ```
 */
export class Store extends Context.Service<Store, StoreShape>()("@ml-pipe/core/Store") {
  /** Runs in `folder/ml-pipe.sqlite`, made if absent. */
  static readonly layer = (folder: string): Layer.Layer<Store, StoreError> =>
    Layer.effect(Store, open(path.join(folder, "ml-pipe.sqlite")));

  /** Runs in memory: gone with the layer. */
  static readonly layerMemory: Layer.Layer<Store, StoreError> = Layer.effect(
    Store,
    Effect.suspend(() => open(":memory:")),
  );
}

const tables = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA busy_timeout = 5000;
  CREATE TABLE IF NOT EXISTS run (
    id TEXT PRIMARY KEY, started TEXT NOT NULL, summary TEXT NOT NULL, record TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS stage (
    run TEXT NOT NULL REFERENCES run, stage TEXT NOT NULL, executed_key TEXT, ended TEXT, record TEXT NOT NULL,
    PRIMARY KEY (run, stage)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS stage_by_key ON stage (executed_key, ended) WHERE executed_key IS NOT NULL;
`;

const RunText = Schema.fromJsonString(Run);
const SummaryText = Schema.fromJsonString(RunSummary);
const StageText = Schema.fromJsonString(StageRun);

const open = Effect.fnUntraced(function* (file: string) {
  const attempt = <A>(operation: string, run: () => A): Effect.Effect<A, StoreError> =>
    Effect.try({
      try: run,
      catch: (cause) =>
        new StoreError({
          operation,
          path: file,
          problem: cause instanceof Error ? cause.message : String(cause),
        }),
    });

  const db = yield* Effect.acquireRelease(
    attempt("open the record of runs", () => {
      if (file !== ":memory:") fs.mkdirSync(path.dirname(file), { recursive: true });
      const opened = new DatabaseSync(file);
      opened.exec(tables);
      return opened;
    }),
    (opened) => Effect.sync(() => opened.close()),
  );

  const putRun = (operation: string) => (run: Run) =>
    attempt(operation, () => {
      const record = Schema.encodeSync(RunText)({ ...run, stages: [] });
      const summary = Schema.encodeSync(SummaryText)(run);
      db.prepare(
        `INSERT INTO run VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET summary = excluded.summary, record = excluded.record`,
      ).run(run.id, run.startedAt.toISOString(), summary, record);
    });

  const putStage: StoreShape["putStage"] = (stage) =>
    attempt("record a stage", () => {
      const executedKey = stage.status === "succeeded" ? (stage.cacheKey ?? null) : null;
      const ended = stage.endedAt?.toISOString() ?? null;
      db.prepare("INSERT OR REPLACE INTO stage VALUES (?, ?, ?, ?, ?)").run(
        stage.run,
        stage.stage,
        executedKey,
        ended,
        Schema.encodeSync(StageText)(stage),
      );
    });

  const findByCacheKey: StoreShape["findByCacheKey"] = (key) =>
    attempt("look up a cached stage", () => {
      const row = db
        .prepare("SELECT record FROM stage WHERE executed_key = ? ORDER BY ended DESC LIMIT 1")
        .get(key);
      return Option.fromUndefinedOr(row).pipe(Option.map((found) => decode(StageText, found)));
    });

  const runs: StoreShape["runs"] = (limit) =>
    attempt("list runs", () =>
      db
        .prepare("SELECT summary AS record FROM run ORDER BY started DESC LIMIT ?")
        .all(limit)
        .map((row) => withLiveness(decode(SummaryText, row))),
    );

  const run: StoreShape["run"] = (id = "") =>
    attempt("read a run", () => {
      const row = db
        .prepare(
          "SELECT id, record FROM run WHERE substr(id, 1, length(?1)) = ?1 ORDER BY started DESC LIMIT 1",
        )
        .get(id);
      if (row === undefined) return Option.none();
      const stages = db
        .prepare("SELECT record FROM stage WHERE run = ?")
        .all(row["id"] ?? null)
        .map((stage) => decode(StageText, stage));
      const found = decode(RunText, row);
      const order = found.graph.stages.map(({ name }) => name);
      return Option.some(
        withLiveness({
          ...found,
          stages: stages.toSorted((a, b) => order.indexOf(a.stage) - order.indexOf(b.stage)),
        }),
      );
    });

  return Store.of({
    startRun: putRun("record the start of a run"),
    endRun: putRun("record the end of a run"),
    putStage,
    findByCacheKey,
    runs,
    run,
  });
});

const decode = <T>(
  schema: Schema.ConstraintCodec<T, string>,
  row: { readonly [column: string]: SQLOutputValue },
): T => Schema.decodeUnknownSync(schema)(row["record"]);

/** A run that its process can no longer finish was interrupted, whatever its last record says. */
const withLiveness = <R extends RunSummary>(run: R): R =>
  run.status === "running" && !isAlive(run.pid) ? { ...run, status: "interrupted" } : run;

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "EPERM";
  }
};

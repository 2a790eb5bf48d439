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
import { isAlive } from "./internal/process.ts";
import { type HookRecord, Run, RunSummary, StageRun } from "./Run.ts";

/** The record of runs could not be read or written. */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  operation: Schema.String,
  path: Schema.String,
  problem: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `cannot ${this.operation} in ${this.path}: ${this.problem}. ${this.next}`;
  }
}

/** How runs are recorded and found. */
export interface StoreShape {
  /** Fails if there is a run with this id already. */
  readonly startRun: (run: Run) => Effect.Effect<void, StoreError>;
  /** Replaces the run's own fields; its stages are written by {@link putStage}. */
  readonly endRun: (run: Run) => Effect.Effect<void, StoreError>;
  readonly putStage: (stage: StageRun) => Effect.Effect<void, StoreError>;
  /** The newest execution that succeeded under a cache key. */
  readonly findByCacheKey: (key: string) => Effect.Effect<Option.Option<StageRun>, StoreError>;
  /** Newest first. */
  readonly runs: (limit: number) => Effect.Effect<ReadonlyArray<RunSummary>, StoreError>;
  /**
   * The run with this id or unambiguous beginning of one; the newest if none is given. Fails if the
   * beginning is that of several.
   */
  readonly run: (id?: string) => Effect.Effect<Option.Option<Run>, StoreError>;
  /** What the newest run of a pipeline that ended left of its hooks: where the next one goes on. */
  readonly hooks: (pipeline: string) => Effect.Effect<ReadonlyArray<HookRecord>, StoreError>;
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

// Synced at each commit: what is recorded as done stays done, even if the power fails.
const tables = `
  PRAGMA busy_timeout = 5000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS run (
    id TEXT PRIMARY KEY, started TEXT NOT NULL, summary TEXT NOT NULL, record TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS stage (
    run TEXT NOT NULL REFERENCES run, stage TEXT NOT NULL, executed_key TEXT, ended TEXT, record TEXT NOT NULL,
    PRIMARY KEY (run, stage)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS stage_by_key ON stage (executed_key, ended) WHERE executed_key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS run_by_start ON run (started);
`;

const prepare = (db: DatabaseSync) => ({
  startRun: db.prepare("INSERT INTO run (id, started, summary, record) VALUES (?, ?, ?, ?)"),
  endRun: db.prepare("UPDATE run SET summary = ?2, record = ?3 WHERE id = ?1"),
  putStage: db.prepare(`
    INSERT INTO stage (run, stage, executed_key, ended, record) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (run, stage) DO UPDATE
    SET executed_key = excluded.executed_key, ended = excluded.ended, record = excluded.record`),
  byKey: db.prepare(
    "SELECT record FROM stage WHERE executed_key = ? ORDER BY ended DESC, rowid DESC LIMIT 1",
  ),
  runs: db.prepare("SELECT summary AS record FROM run ORDER BY started DESC, rowid DESC LIMIT ?"),
  newestRun: db.prepare("SELECT id, record FROM run ORDER BY started DESC, rowid DESC LIMIT 1"),
  byId: db.prepare("SELECT id, record FROM run WHERE id = ?"),
  byBeginning: db.prepare(`
    SELECT id, record FROM run WHERE substr(id, 1, length(?1)) = ?1
    ORDER BY started DESC, rowid DESC LIMIT 4`),
  stages: db.prepare("SELECT record FROM stage WHERE run = ?"),
  lastEnded: db.prepare(`
    SELECT record FROM run
    WHERE json_extract(summary, '$.pipeline') = ? AND json_extract(summary, '$.endedAt') IS NOT NULL
    ORDER BY started DESC, rowid DESC LIMIT 1`),
});

const open = Effect.fnUntraced(function* (file: string) {
  const fail = (operation: string, problem: string, next = adviceOn(problem)) =>
    new StoreError({ operation, path: file, problem, next });
  const attempt = <A>(operation: string, run: () => A): Effect.Effect<A, StoreError> =>
    Effect.try({
      try: run,
      catch: (cause) => fail(operation, cause instanceof Error ? cause.message : String(cause)),
    });

  const { sql } = yield* Effect.acquireRelease(
    attempt("open the record of runs", () => {
      if (file !== ":memory:") fs.mkdirSync(path.dirname(file), { recursive: true });
      const db = new DatabaseSync(file);
      try {
        db.exec(tables);
        return { db, sql: prepare(db) };
      } catch (cause) {
        db.close();
        throw cause;
      }
    }),
    ({ db }) => Effect.sync(() => db.close()),
  );

  const toRun = coder(Run);
  const toSummary = coder(RunSummary);
  const toStage = coder(StageRun);

  const startRun: StoreShape["startRun"] = (run) =>
    attempt("record the start of a run", () => {
      const record = toRun.write({ ...run, stages: [] });
      sql.startRun.run(run.id, run.startedAt.toISOString(), toSummary.write(run), record);
      if (run.pid === process.pid) startedHere.add(run.id);
    });

  const endRun: StoreShape["endRun"] = (run) =>
    attempt("record the end of a run", () => {
      sql.endRun.run(run.id, toSummary.write(run), toRun.write({ ...run, stages: [] }));
      startedHere.delete(run.id);
    });

  const putStage: StoreShape["putStage"] = (stage) =>
    attempt("record a stage", () => {
      const executedKey = stage.status === "succeeded" ? (stage.cacheKey ?? null) : null;
      const ended = stage.endedAt?.toISOString() ?? null;
      sql.putStage.run(stage.run, stage.stage, executedKey, ended, toStage.write(stage));
    });

  const findByCacheKey: StoreShape["findByCacheKey"] = (key) =>
    attempt("look up a cached stage", () =>
      Option.fromUndefinedOr(sql.byKey.get(key)).pipe(Option.map(toStage.read)),
    );

  const runs: StoreShape["runs"] = (limit) =>
    attempt("list runs", () => sql.runs.all(limit).map((row) => withLiveness(toSummary.read(row))));

  /** Rows of the run that is meant: none, one, or several that it could be. */
  const find = (id: string | undefined) => {
    if (id === undefined || id === "") return sql.newestRun.all();
    const exact = sql.byId.get(id);
    return exact === undefined ? sql.byBeginning.all(id) : [exact];
  };

  const run: StoreShape["run"] = Effect.fnUntraced(function* (id) {
    const [row, ...others] = yield* attempt("read a run", () => find(id));
    if (row === undefined) return Option.none();
    if (others.length > 0) {
      const ids = [row, ...others].map((other) => other["id"]).join(", ");
      return yield* fail(
        `read run "${id}"`,
        `that is the beginning of several: ${ids}${others.length > 2 ? ", …" : ""}`,
        "Type more of it",
      );
    }
    return yield* attempt("read a run", () => {
      const found = toRun.read(row);
      const order = found.graph.stages.map(({ name }) => name);
      const stages = sql.stages
        .all(found.id)
        .map(toStage.read)
        .toSorted((a, b) => order.indexOf(a.stage) - order.indexOf(b.stage));
      const alive = withLiveness(found);
      return Option.some({
        ...alive,
        stages: alive.status === "interrupted" ? stages.map(interrupted) : stages,
      });
    });
  });

  const hooks: StoreShape["hooks"] = (pipeline) =>
    attempt("read the state of hooks", () => {
      const row = sql.lastEnded.get(pipeline);
      return row === undefined ? [] : toRun.read(row).hooks;
    });

  return Store.of({ startRun, endRun, putStage, findByCacheKey, runs, run, hooks });
});

/** Reads and writes the JSON text of a record. */
const coder = <T>(schema: Schema.ConstraintCodec<T, unknown>) => {
  const text = Schema.fromJsonString(Schema.toCodecJson(schema));
  const decode = Schema.decodeUnknownSync(text);
  const write = Schema.encodeSync(text);
  const read = (row: { readonly [column: string]: SQLOutputValue }) => decode(row["record"]);
  return { read, write };
};

const adviceOn = (problem: string): string =>
  /not a database|malformed/.test(problem)
    ? "The file is damaged: move it away, and a new one is made; artifacts are kept."
    : "Check that the state folder is writable and the disk is not full, or choose another folder with --state.";

/** Runs that began here: a virtual clock may date them before this process. */
const startedHere = new Set<string>();

/** A run that its process can no longer finish was interrupted, whatever its last record says. */
const withLiveness = <R extends RunSummary>(run: R): R => {
  if (run.status !== "running") return run;
  const here = run.pid === process.pid && startedHere.has(run.id);
  return here || isAlive(run.pid, run.startedAt.getTime())
    ? run
    : { ...run, status: "interrupted" };
};

const interrupted = (stage: StageRun): StageRun =>
  stage.status === "running" ? { ...stage, status: "interrupted" } : stage;

/** Runs and their stages as they are recorded. */
import type { DatabaseSync } from "node:sqlite";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { isAlive } from "../internal/process.ts";
import { type HookRecord, Run, RunSummary, StageRun } from "../Run.ts";
import { coder, type Database } from "./sqlite.ts";
import type { StoreError } from "./StoreError.ts";

/** How runs are recorded and found. */
export interface RunStore {
  /** Fails if there is a run with this id already. */
  readonly startRun: (run: Run) => Effect.Effect<void, StoreError>;
  /** Takes up a run that did not end, in this process. */
  readonly resumeRun: (run: Run) => Effect.Effect<void, StoreError>;
  /** Replaces the run's own fields; its stages are written by {@link putStage}. */
  readonly endRun: (run: Run) => Effect.Effect<void, StoreError>;
  readonly putStage: (stage: StageRun) => Effect.Effect<void, StoreError>;
  /** The newest execution that succeeded under a cache key and may be reused by other runs. */
  readonly findByCacheKey: (key: string) => Effect.Effect<Option.Option<StageRun>, StoreError>;
  /** The newest execution of a stage that succeeded, whatever its key: what a new one differs from. */
  readonly lastExecution: (
    pipeline: string,
    stage: string,
  ) => Effect.Effect<Option.Option<StageRun>, StoreError>;
  /**
   * What executions handed on, of the newest `limit` whose record mentions a text such as the digest of a
   * contract; newest first. Cheaper than reading whole runs.
   */
  readonly handedOn: (
    text: string,
    limit: number,
  ) => Effect.Effect<ReadonlyArray<HandedOn>, StoreError>;
  /** Newest first; of one pipeline, if it is named. */
  readonly runs: (
    limit: number,
    pipeline?: string,
  ) => Effect.Effect<ReadonlyArray<RunSummary>, StoreError>;
  /**
   * The run with this id or unambiguous beginning of one; the newest if none is given. Fails if the
   * beginning is that of several.
   */
  readonly run: (id?: string) => Effect.Effect<Option.Option<Run>, StoreError>;
  /** Ids of runs that begin so, the newest first, at most four. */
  readonly idsBeginning: (text: string) => Effect.Effect<ReadonlyArray<string>, StoreError>;
  /** What the newest run of a pipeline that ended left of its hooks: where the next one goes on. */
  readonly hooks: (pipeline: string) => Effect.Effect<ReadonlyArray<HookRecord>, StoreError>;
}

/** The outputs of an execution of a stage, by port ("" for a single one). */
const HandedOn = Schema.Struct({
  run: Schema.String,
  stage: Schema.String,
  startedAt: Schema.DateFromString,
  outputs: Schema.Record(Schema.String, Schema.Json),
});
/** See {@link RunStore.handedOn}. */
export type HandedOn = typeof HandedOn.Type;

const tables = `
  CREATE TABLE IF NOT EXISTS run (
    id TEXT PRIMARY KEY, started TEXT NOT NULL, summary TEXT NOT NULL, record TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS stage (
    run TEXT NOT NULL REFERENCES run, stage TEXT NOT NULL, executed_key TEXT, ended TEXT, record TEXT NOT NULL,
    PRIMARY KEY (run, stage)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS stage_by_key ON stage (executed_key, ended) WHERE executed_key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS stage_by_name ON stage (stage) WHERE executed_key IS NOT NULL;
`;

const prepare = (db: DatabaseSync) => ({
  startRun: db.prepare("INSERT INTO run (id, started, summary, record) VALUES (?, ?, ?, ?)"),
  endRun: db.prepare("UPDATE run SET summary = ?2, record = ?3 WHERE id = ?1"),
  // Written anew, so that the order of rows is that of their last change.
  putStage: db.prepare(
    "INSERT OR REPLACE INTO stage (run, stage, executed_key, ended, record) VALUES (?, ?, ?, ?, ?)",
  ),
  byKey: db.prepare("SELECT record FROM stage WHERE executed_key = ? ORDER BY rowid DESC LIMIT 1"),
  lastExecution: db.prepare(`
    SELECT stage.record FROM stage JOIN run ON run.id = stage.run
    WHERE stage.stage = ?2 AND executed_key IS NOT NULL
      AND json_extract(run.summary, '$.pipeline') = ?1
    ORDER BY stage.rowid DESC LIMIT 1`),
  handedOn: db.prepare(`
    SELECT json_object('run', run, 'stage', stage, 'startedAt', json_extract(record, '$.startedAt'),
      'outputs', json_extract(record, '$.outputs')) AS record
    FROM stage
    WHERE instr(record, ?1) > 0 AND json_extract(record, '$.status') IN ('succeeded', 'cached')
      AND json_type(record, '$.outputs') = 'object'
    ORDER BY rowid DESC LIMIT ?2`),
  runs: db.prepare(`
    SELECT summary AS record FROM run
    WHERE ?2 IS NULL OR json_extract(summary, '$.pipeline') = ?2
    ORDER BY rowid DESC LIMIT ?1`),
  newestRun: db.prepare("SELECT id, record FROM run ORDER BY rowid DESC LIMIT 1"),
  byId: db.prepare("SELECT id, record FROM run WHERE id = ?"),
  byBeginning: db.prepare(`
    SELECT id, record FROM run WHERE substr(id, 1, length(?1)) = ?1
    ORDER BY rowid DESC LIMIT 4`),
  stages: db.prepare("SELECT record FROM stage WHERE run = ?"),
  lastEnded: db.prepare(`
    SELECT record FROM run
    WHERE json_extract(summary, '$.pipeline') = ? AND json_extract(summary, '$.endedAt') IS NOT NULL
    ORDER BY rowid DESC LIMIT 1`),
});

/** See {@link RunStore}. */
export const runStore = Effect.fnUntraced(function* (database: Database) {
  const { db, attempt, unhurried, error } = database;
  const sql = yield* attempt("open the record of runs", () => {
    db.exec(tables);
    return prepare(db);
  });

  const toRun = coder(Run);
  const toSummary = coder(RunSummary);
  const toStage = coder(StageRun);
  const toHandedOn = coder(HandedOn);

  const startRun: RunStore["startRun"] = (run) =>
    attempt("record the start of a run", () => {
      const record = toRun.write({ ...run, stages: [] });
      sql.startRun.run(run.id, run.startedAt.toISOString(), toSummary.write(run), record);
      if (run.pid === process.pid) startedHere.add(run.id);
    });

  const resumeRun: RunStore["resumeRun"] = (run) =>
    attempt("take up a run", () => {
      sql.endRun.run(run.id, toSummary.write(run), toRun.write({ ...run, stages: [] }));
      if (run.pid === process.pid) startedHere.add(run.id);
    });

  const endRun: RunStore["endRun"] = (run) =>
    attempt("record the end of a run", () => {
      sql.endRun.run(run.id, toSummary.write(run), toRun.write({ ...run, stages: [] }));
      startedHere.delete(run.id);
    });

  const putStage: RunStore["putStage"] = (stage) =>
    attempt("record a stage", () => {
      const reusable = stage.status === "succeeded" && stage.thisRunOnly !== true;
      const executedKey = reusable ? (stage.cacheKey ?? null) : null;
      const ended = stage.endedAt?.toISOString() ?? null;
      const record = toStage.write(stage);
      const write = () => sql.putStage.run(stage.run, stage.stage, executedKey, ended, record);
      // Without its record, a stage that was reused is reused again.
      if (stage.status === "cached") unhurried(write);
      else write();
    });

  const findByCacheKey: RunStore["findByCacheKey"] = (key) =>
    attempt("look up a cached stage", () =>
      Option.fromUndefinedOr(sql.byKey.get(key)).pipe(Option.map(toStage.read)),
    );

  const lastExecution: RunStore["lastExecution"] = (pipeline, stage) =>
    attempt("look up an earlier execution", () =>
      Option.fromUndefinedOr(sql.lastExecution.get(pipeline, stage)).pipe(Option.map(toStage.read)),
    );

  const handedOn: RunStore["handedOn"] = (text, limit) =>
    attempt("look up what stages handed on", () =>
      sql.handedOn.all(text, limit).map(toHandedOn.read),
    );

  const runs: RunStore["runs"] = (limit, pipeline) =>
    attempt("list runs", () =>
      sql.runs.all(limit, pipeline ?? null).map((row) => withLiveness(toSummary.read(row))),
    );

  /** Rows of the run that is meant: none, one, or several that it could be. */
  const find = (id: string | undefined) => {
    if (id === undefined || id === "") return sql.newestRun.all();
    const exact = sql.byId.get(id);
    return exact === undefined ? sql.byBeginning.all(id) : [exact];
  };

  const run: RunStore["run"] = Effect.fnUntraced(function* (id) {
    const [row, ...others] = yield* attempt("read a run", () => find(id));
    if (row === undefined) return Option.none();
    if (others.length > 0) {
      const ids = [row, ...others].map((other) => other["id"]).join(", ");
      return yield* error(
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

  const idsBeginning: RunStore["idsBeginning"] = (text) =>
    attempt("look up runs", () => sql.byBeginning.all(text).map((row) => String(row["id"])));

  const hooks: RunStore["hooks"] = (pipeline) =>
    attempt("read the state of hooks", () => {
      const row = sql.lastEnded.get(pipeline);
      return row === undefined ? [] : toRun.read(row).hooks;
    });

  return {
    startRun,
    resumeRun,
    endRun,
    putStage,
    findByCacheKey,
    lastExecution,
    handedOn,
    runs,
    run,
    idsBeginning,
    hooks,
  } satisfies RunStore;
});

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

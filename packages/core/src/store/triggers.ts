/**
 * Triggers as they are recorded: what is remembered of each, and every occurrence, once.
 *
 * An occurrence is recorded together with the state that knows it, so that it is neither found twice nor
 * forgotten. It waits, begins and ends. Its run names it in `causedBy`, from the run's first record on:
 * that, and nothing in memory, says whether it has run.
 */
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import type { SignalSeen, SignalsSeen } from "../internal/trigger/grown.ts";
import { type TriggerSpec, TriggerState } from "../internal/trigger/spec.ts";
import { StageRun } from "../Run.ts";
import { coder, type Database } from "./sqlite.ts";
import type { StoreError } from "./StoreError.ts";

/** An occurrence that waits, or whose run may not have ended. */
export const Queued = Schema.Struct({
  id: Schema.Int,
  pipeline: Schema.String,
  trigger: Schema.String,
  occurrence: Schema.String,
  /** Whether its run was about to start: it may have, and is not replaced by a newer occurrence. */
  began: Schema.Boolean,
  /** The run to go on with, if it is about one. */
  resumes: Schema.optionalKey(Schema.String),
});
/** See {@link Queued}. */
export type Queued = typeof Queued.Type;

/** What a look at a trigger found. */
export interface Found {
  readonly pipeline: string;
  readonly trigger: Pick<TriggerSpec, "name" | "pending">;
  readonly occurrences: ReadonlyArray<string>;
  /** Absent if nothing is remembered. */
  readonly state?: TriggerState;
  /** The run that the occurrences are about, if it is one to go on with. */
  readonly resumes?: string;
}

/** A gate that a run waits at, and how often somebody has said yes or no there. */
export const Answered = Schema.Struct({
  run: Schema.String,
  gate: Schema.String,
  words: Schema.Int,
});
/** See {@link Answered}. */
export type Answered = typeof Answered.Type;

/** How triggers are recorded and found. */
export interface TriggerStore {
  /** What is remembered of a trigger. */
  readonly state: (
    pipeline: string,
    trigger: string,
  ) => Effect.Effect<Option.Option<TriggerState>, StoreError>;
  /** Records what a look found, all of it or nothing; gives the occurrences that are new and wait. */
  readonly found: (found: Found) => Effect.Effect<ReadonlyArray<Queued>, StoreError>;
  /** Occurrences of a pipeline that wait or have begun, the oldest first. */
  readonly queue: (pipeline: string) => Effect.Effect<ReadonlyArray<Queued>, StoreError>;
  readonly begin: (id: number) => Effect.Effect<void, StoreError>;
  readonly end: (id: number) => Effect.Effect<void, StoreError>;
  /** The run that an occurrence caused, if it has. */
  readonly runOf: (queued: Queued) => Effect.Effect<Option.Option<string>, StoreError>;
  /** The signals of stages that ended after a record; from the beginning, without one. */
  readonly signalsAfter: (cursor?: number) => Effect.Effect<SignalsSeen, StoreError>;
  /** Gates of suspended runs of a pipeline at which somebody has said something on their evidence. */
  readonly answered: (pipeline: string) => Effect.Effect<ReadonlyArray<Answered>, StoreError>;
}

const tables = `
  CREATE TABLE IF NOT EXISTS trigger_state (
    pipeline TEXT NOT NULL, name TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (pipeline, name)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS occurrence (
    id INTEGER PRIMARY KEY AUTOINCREMENT, pipeline TEXT NOT NULL, name TEXT NOT NULL,
    occurrence TEXT NOT NULL, resumes TEXT, status TEXT NOT NULL,
    UNIQUE (pipeline, name, occurrence)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS occurrence_open ON occurrence (pipeline, id)
    WHERE status IN ('waits', 'began');
`;

const Row = Schema.Struct({
  id: Schema.Int,
  pipeline: Schema.String,
  name: Schema.String,
  occurrence: Schema.String,
  resumes: Schema.NullOr(Schema.String),
  status: Schema.String,
});
const toRow = Schema.decodeUnknownSync(Row);
const toQueued = (row: unknown): Queued => {
  const { id, pipeline, name, occurrence, resumes, status } = toRow(row);
  return {
    id,
    pipeline,
    trigger: name,
    occurrence,
    began: status === "began",
    ...(resumes === null ? {} : { resumes }),
  };
};
const toAnswered = Schema.decodeUnknownSync(Answered);
const idOf = Schema.decodeUnknownSync(Schema.Struct({ id: Schema.String }));
const cursorOf = Schema.decodeUnknownSync(Schema.Struct({ cursor: Schema.NullOr(Schema.Int) }));
const pipelineOf = Schema.decodeUnknownSync(Schema.Struct({ pipeline: Schema.String }));

/** See {@link TriggerStore}. */
export const triggerStore = Effect.fnUntraced(function* ({ db, attempt, together }: Database) {
  const sql = yield* attempt("open the record of triggers", () => {
    db.exec(tables);
    return {
      state: db.prepare("SELECT record FROM trigger_state WHERE pipeline = ? AND name = ?"),
      putState: db.prepare("INSERT OR REPLACE INTO trigger_state VALUES (?, ?, ?)"),
      // Nothing happens twice: an occurrence that was there before stays as it is.
      put: db.prepare(`
        INSERT INTO occurrence (pipeline, name, occurrence, resumes, status)
        VALUES (?, ?, ?, ?, 'waits') ON CONFLICT DO NOTHING RETURNING id`),
      cover: db.prepare(`
        UPDATE occurrence SET status = 'covered'
        WHERE pipeline = ?1 AND name = ?2 AND status = 'waits' AND id < (
          SELECT max(id) FROM occurrence WHERE pipeline = ?1 AND name = ?2 AND status = 'waits')`),
      queue: db.prepare(`
        SELECT id, pipeline, name, occurrence, resumes, status FROM occurrence
        WHERE pipeline = ? AND status IN ('waits', 'began') ORDER BY id`),
      move: db.prepare("UPDATE occurrence SET status = ? WHERE id = ?"),
      runOf: db.prepare(`
        SELECT id FROM run WHERE json_extract(summary, '$.pipeline') = ?
          AND json_extract(summary, '$.causedBy.trigger') = ?
          AND json_extract(summary, '$.causedBy.occurrence') = ?
        ORDER BY rowid DESC LIMIT 1`),
      lastStage: db.prepare("SELECT max(rowid) AS cursor FROM stage"),
      signals: db.prepare(`
        SELECT stage.record, json_extract(run.summary, '$.pipeline') AS pipeline
        FROM stage JOIN run ON run.id = stage.run
        WHERE stage.rowid > ? AND stage.ended IS NOT NULL
          AND json_array_length(stage.record, '$.signals') > 0
        ORDER BY stage.rowid`),
      answered: db.prepare(`
        SELECT run.id AS run, stage.stage AS gate, count(*) AS words
        FROM run JOIN stage ON stage.run = run.id
          JOIN approval ON approval.pipeline = ?1 AND approval.gate = stage.stage
        WHERE json_extract(run.summary, '$.pipeline') = ?1
          AND json_extract(run.summary, '$.status') = 'suspended'
          AND json_extract(stage.record, '$.status') = 'suspended'
          AND json_extract(stage.record, '$.asks.evidence')
            = json_extract(approval.record, '$.evidence')
        GROUP BY run.id, stage.stage ORDER BY run.rowid`),
    };
  });
  const toState = coder(TriggerState);
  const toStage = coder(StageRun);

  const queue = (pipeline: string) => sql.queue.all(pipeline).map(toQueued);

  const record = ({ pipeline, trigger, occurrences, state, resumes }: Found) => {
    const { name, pending } = trigger;
    const added = new Set(
      occurrences.flatMap((occurrence) =>
        sql.put.all(pipeline, name, occurrence, resumes ?? null).map(({ id }) => id),
      ),
    );
    if (added.size > 0 && pending === "latest") sql.cover.run(pipeline, name);
    if (state !== undefined) {
      sql.putState.run(pipeline, name, toState.write(state));
    }
    return added;
  };

  return {
    state: (pipeline, trigger) =>
      attempt("read a trigger", () =>
        Option.fromUndefinedOr(sql.state.get(pipeline, trigger)).pipe(Option.map(toState.read)),
      ),
    found: (found) =>
      attempt("record a trigger", () => {
        const added = together(() => record(found));
        return added.size === 0 ? [] : queue(found.pipeline).filter(({ id }) => added.has(id));
      }),
    queue: (pipeline) => attempt("read what is due", () => queue(pipeline)),
    begin: (id) => attempt("record what is due", () => void sql.move.run("began", id)),
    end: (id) => attempt("record what was due", () => void sql.move.run("ended", id)),
    runOf: ({ pipeline, trigger, occurrence }) =>
      attempt("look up the run of an occurrence", () =>
        Option.fromUndefinedOr(sql.runOf.get(pipeline, trigger, occurrence)).pipe(
          Option.map((row) => idOf(row).id),
        ),
      ),
    signalsAfter: (cursor = 0) =>
      attempt("read signals", () => {
        const last = cursorOf(sql.lastStage.get()).cursor ?? 0;
        if (last === cursor) return { signals: [], cursor };
        // Records that were removed give their places to later ones.
        const signals = sql.signals.all(Math.min(cursor, last)).flatMap((row) => {
          const { run, stage, signals } = toStage.read(row);
          const { pipeline } = pipelineOf(row);
          return signals.map(({ signal, value, at }): SignalSeen => ({
            run,
            pipeline,
            stage,
            signal,
            value,
            at,
          }));
        });
        return { signals, cursor: last };
      }),
    answered: (pipeline) =>
      attempt("look for approvals of suspended runs", () =>
        sql.answered.all(pipeline).map((row) => toAnswered(row)),
      ),
  } satisfies TriggerStore;
});

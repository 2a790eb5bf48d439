/**
 * The index of lineage: which execution made which file, and which used it. Derived from the records
 * of runs, and brought up to date when somebody asks, so that running a pipeline pays nothing for it.
 */
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { lineageRows, type RecordedStage } from "../internal/lineageRows.ts";
import { coder, type Database } from "./sqlite.ts";
import type { StoreError } from "./StoreError.ts";

/** An output of an execution. */
export interface ValuePlace {
  readonly run: string;
  readonly stage: string;
  /** Empty for the only output. */
  readonly port: string;
}

/** An output and who took it as which input. */
export interface Use {
  readonly from: ValuePlace;
  readonly by: ValuePlace;
}

/** A file among the outputs of an execution; `path` if it is one outside the state folder. */
export interface StoredFile {
  readonly digest: string;
  readonly bytes: number;
  readonly mediaType?: string;
  readonly path?: string;
}

/** An execution of a stage in words. */
export interface Execution {
  readonly run: string;
  readonly stage: string;
  readonly pipeline: string;
  readonly startedAt: string;
  /** What it reads beside its inputs. */
  readonly reads: Schema.Json;
  /** How many other runs reused its output. */
  readonly reusedBy: number;
  /** It ended early with what it had, because its run was interrupted. */
  readonly stoppedEarly?: boolean;
}

/** How values are traced. */
export interface LineageStore {
  /** Adds to the index what was recorded since the last time. Those that look something up do so too. */
  readonly update: Effect.Effect<void, StoreError>;
  /** Digests of files that begin so, at most three; `sha256-` may be left out. */
  readonly digests: (beginning: string) => Effect.Effect<ReadonlyArray<string>, StoreError>;
  /** Outputs that refer to a file, those of the newest execution first. */
  readonly holders: (digest: string) => Effect.Effect<ReadonlyArray<ValuePlace>, StoreError>;
  /** Outputs that are the release `name@3`, those of the newest run first. */
  readonly released: (release: string) => Effect.Effect<ReadonlyArray<ValuePlace>, StoreError>;
  /** The run that executed what a run handed on as the output of a stage. */
  readonly executedBy: (
    run: string,
    stage: string,
  ) => Effect.Effect<string | undefined, StoreError>;
  readonly execution: (
    run: string,
    stage: string,
  ) => Effect.Effect<Execution | undefined, StoreError>;
  /** Ports of an execution, with the release that each is, if it is one. */
  readonly outputs: (
    run: string,
    stage: string,
  ) => Effect.Effect<
    ReadonlyArray<{ readonly port: string; readonly release: string | undefined }>,
    StoreError
  >;
  readonly files: (place: ValuePlace) => Effect.Effect<ReadonlyArray<StoredFile>, StoreError>;
  readonly inputs: (run: string, stage: string) => Effect.Effect<ReadonlyArray<Use>, StoreError>;
  readonly users: (place: ValuePlace) => Effect.Effect<ReadonlyArray<Use>, StoreError>;
}

const tables = `
  CREATE TABLE IF NOT EXISTS lineage_value (
    run TEXT NOT NULL, stage TEXT NOT NULL, port TEXT NOT NULL, release TEXT,
    PRIMARY KEY (run, stage, port)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS lineage_by_release ON lineage_value (release) WHERE release IS NOT NULL;
  CREATE TABLE IF NOT EXISTS lineage_file (
    run TEXT NOT NULL, stage TEXT NOT NULL, port TEXT NOT NULL, digest TEXT NOT NULL,
    path TEXT NOT NULL, bytes INTEGER NOT NULL, media_type TEXT, added INTEGER NOT NULL,
    PRIMARY KEY (run, stage, port, digest, path)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS lineage_by_digest ON lineage_file (digest, added);
  CREATE TABLE IF NOT EXISTS lineage_use (
    run TEXT NOT NULL, stage TEXT NOT NULL, port TEXT NOT NULL,
    from_run TEXT NOT NULL, from_stage TEXT NOT NULL, from_port TEXT NOT NULL,
    PRIMARY KEY (run, stage, port)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS lineage_by_source ON lineage_use (from_run, from_stage, from_port);
  CREATE TABLE IF NOT EXISTS lineage_reuse (
    run TEXT NOT NULL, stage TEXT NOT NULL, from_run TEXT NOT NULL, PRIMARY KEY (run, stage)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS lineage_by_execution ON lineage_reuse (from_run, stage);
  CREATE TABLE IF NOT EXISTS lineage_done (
    id INTEGER PRIMARY KEY CHECK (id = 0), upto INTEGER NOT NULL
  ) STRICT;
`;

/** How many stage records are indexed in one transaction. */
const batchRows = 2000;

const Nodes = Schema.Array(
  Schema.Struct({
    name: Schema.String,
    inputs: Schema.Array(
      Schema.Struct({
        name: Schema.String,
        from: Schema.Struct({ stage: Schema.String, port: Schema.String }),
      }),
    ),
  }),
);
const Outputs = Schema.Record(Schema.String, Schema.Unknown);

const prepare = (db: DatabaseSync) => ({
  upto: db.prepare("SELECT upto FROM lineage_done"),
  pending: db.prepare(
    "SELECT rowid AS number, run, stage FROM stage WHERE rowid > ? ORDER BY rowid LIMIT ?",
  ),
  nodes: db.prepare("SELECT json_extract(record, '$.graph.stages') AS nodes FROM run WHERE id = ?"),
  stages: db.prepare(`
    SELECT stage, json_extract(record, '$.reusedFrom') AS reused,
      json_extract(record, '$.outputs') AS outputs
    FROM stage WHERE run = ?`),
  forget: ["lineage_value", "lineage_file", "lineage_use", "lineage_reuse"].map((table) =>
    db.prepare(`DELETE FROM ${table} WHERE run = ? AND stage = ?`),
  ),
  value: db.prepare("INSERT OR REPLACE INTO lineage_value VALUES (?, ?, ?, ?)"),
  file: db.prepare("INSERT OR REPLACE INTO lineage_file VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
  use: db.prepare("INSERT OR REPLACE INTO lineage_use VALUES (?, ?, ?, ?, ?, ?)"),
  reuse: db.prepare("INSERT OR REPLACE INTO lineage_reuse VALUES (?, ?, ?)"),
  done: db.prepare("INSERT OR REPLACE INTO lineage_done VALUES (0, ?)"),
  digests: db.prepare(`
    SELECT DISTINCT digest FROM lineage_file WHERE digest >= ?1 AND digest < ?1 || '~' LIMIT 3`),
  holders: db.prepare(`
    SELECT DISTINCT run, stage, port FROM lineage_file WHERE digest = ? ORDER BY added DESC, port`),
  released: db.prepare(
    "SELECT run, stage, port FROM lineage_value WHERE release = ? ORDER BY run DESC",
  ),
  executedBy: db.prepare(`
    SELECT coalesce(json_extract(record, '$.reusedFrom'), run) AS run FROM stage
    WHERE run = ? AND stage = ?`),
  execution: db.prepare(`
    SELECT json_extract(run.summary, '$.pipeline') AS pipeline,
      json_extract(stage.record, '$.startedAt') AS started,
      stage.record -> '$.ingredients.reads' AS record,
      json_extract(stage.record, '$.stoppedEarly') AS stopped,
      (SELECT count(*) FROM lineage_reuse AS reuse
        WHERE reuse.from_run = ?1 AND reuse.stage = ?2) AS reused
    FROM stage JOIN run ON run.id = stage.run WHERE stage.run = ?1 AND stage.stage = ?2`),
  outputs: db.prepare("SELECT port, release FROM lineage_value WHERE run = ? AND stage = ?"),
  files: db.prepare(`
    SELECT digest, path, bytes, media_type FROM lineage_file
    WHERE run = ? AND stage = ? AND port = ?`),
  inputs: db.prepare("SELECT * FROM lineage_use WHERE run = ? AND stage = ?"),
  users: db.prepare(
    "SELECT * FROM lineage_use WHERE from_run = ? AND from_stage = ? AND from_port = ?",
  ),
});

/** See {@link LineageStore}. */
export const lineageStore = ({ db, attempt }: Database): LineageStore => {
  let prepared: ReturnType<typeof prepare> | undefined;
  /** Made when it is first asked for: most commands never do. */
  const open = () => {
    if (prepared !== undefined) return prepared;
    db.exec(tables);
    return (prepared = prepare(db));
  };
  const json = coder(Schema.Json);
  const toNodes = Schema.decodeUnknownSync(Schema.fromJsonString(Nodes));
  const toOutputs = Schema.decodeUnknownSync(Schema.fromJsonString(Outputs));

  const indexRun = (run: string, numbers: ReadonlyMap<string, number>) => {
    const found = open().nodes.get(run);
    if (found === undefined) return;
    const stages = open()
      .stages.all(run)
      .map(({ stage, reused, outputs }): RecordedStage => ({
        stage: String(stage),
        reusedFrom: textOr(reused),
        outputs: typeof outputs === "string" ? toOutputs(outputs) : undefined,
      }));
    const rows = lineageRows(run, toNodes(found["nodes"]), stages, new Set(numbers.keys()));
    for (const stage of numbers.keys()) open().forget.forEach((one) => one.run(run, stage));
    for (const { stage, port, release } of rows.values) {
      open().value.run(run, stage, port, release ?? null);
    }
    for (const { stage, port, digest, path = "", bytes, mediaType = null } of rows.files) {
      open().file.run(run, stage, port, digest, path, bytes, mediaType, numbers.get(stage) ?? 0);
    }
    for (const { stage, port, from } of rows.uses) {
      open().use.run(run, stage, port, from.run, from.stage, from.port);
    }
    for (const { stage, from } of rows.reuses) open().reuse.run(run, stage, from);
  };

  const indexRows = (pending: ReadonlyArray<Row>) => {
    const byRun = new Map<string, Map<string, number>>();
    for (const row of pending) {
      const run = String(row["run"]);
      const numbers = byRun.get(run) ?? new Map<string, number>();
      byRun.set(run, numbers.set(String(row["stage"]), numberOf(row, "number")));
    }
    for (const [run, numbers] of byRun) indexRun(run, numbers);
    const last = pending.at(-1);
    if (last !== undefined) open().done.run(numberOf(last, "number"));
  };

  /** Adds the oldest records that are not indexed yet; whether there may be more. */
  const indexBatch = (): boolean => {
    const next = () => open().pending.all(numberOf(open().upto.get(), "upto"), batchRows);
    if (next().length === 0) return false;
    db.exec("BEGIN IMMEDIATE");
    try {
      const pending = next();
      indexRows(pending);
      db.exec("COMMIT");
      return pending.length === batchRows;
    } catch (cause) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw cause;
    }
  };

  const read = <A>(operation: string, from: () => A): Effect.Effect<A, StoreError> =>
    attempt(operation, () => {
      while (indexBatch());
      return from();
    });

  return {
    update: read("index what was recorded", () => {}),
    digests: (beginning) =>
      read("look up artifacts", () => {
        const whole = beginning.startsWith("sha256-") ? beginning : `sha256-${beginning}`;
        return open()
          .digests.all(whole)
          .map((row) => String(row["digest"]));
      }),
    holders: (digest) =>
      read("look up who made an artifact", () => open().holders.all(digest).map(placeOf(""))),
    released: (release) =>
      read("look up who made a release", () => open().released.all(release).map(placeOf(""))),
    executedBy: (run, stage) =>
      read("look up a stage", () => textOr(open().executedBy.get(run, stage)?.["run"])),
    execution: (run, stage) =>
      attempt("read a stage", () => {
        const row = open().execution.get(run, stage);
        if (row === undefined) return undefined;
        return {
          run,
          stage,
          pipeline: String(row["pipeline"]),
          startedAt: String(row["started"]),
          reads: row["record"] === null ? null : json.read(row),
          reusedBy: numberOf(row, "reused"),
          ...(row["stopped"] === 1 ? { stoppedEarly: true } : {}),
        };
      }),
    outputs: (run, stage) =>
      attempt("read the outputs of a stage", () =>
        open()
          .outputs.all(run, stage)
          .map((row) => ({ port: String(row["port"]), release: textOr(row["release"]) })),
      ),
    files: ({ run, stage, port }) =>
      attempt("read the files of a stage", () => open().files.all(run, stage, port).map(fileOf)),
    inputs: (run, stage) =>
      attempt("read the inputs of a stage", () => open().inputs.all(run, stage).map(useOf)),
    users: ({ run, stage, port }) =>
      attempt("look up who used an artifact", () => open().users.all(run, stage, port).map(useOf)),
  };
};

type Row = Record<string, SQLOutputValue>;

const textOr = (value: SQLOutputValue | undefined): string | undefined =>
  typeof value === "string" ? value : undefined;

const numberOf = (row: Row | undefined, column: string): number => Number(row?.[column] ?? 0);

const placeOf =
  (prefix: "" | "from_") =>
  (row: Row): ValuePlace => ({
    run: String(row[`${prefix}run`]),
    stage: String(row[`${prefix}stage`]),
    port: String(row[`${prefix}port`]),
  });

const useOf = (row: Row): Use => ({ from: placeOf("from_")(row), by: placeOf("")(row) });

const fileOf = (row: Row): StoredFile => {
  const [path, mediaType] = [textOr(row["path"]), textOr(row["media_type"])];
  return {
    digest: String(row["digest"]),
    bytes: numberOf(row, "bytes"),
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(path === undefined || path === "" ? {} : { path }),
  };
};

/** The database that everything is recorded in: one connection, synced at each commit. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { StoreError } from "./StoreError.ts";

/** An open database, and how its errors become typed. */
export interface Database {
  readonly db: DatabaseSync;
  readonly file: string;
  /** Does something with it; `operation` says in words what could not be done. */
  readonly attempt: <A>(operation: string, run: () => A) => Effect.Effect<A, StoreError>;
  /** Writes all of it or nothing. */
  readonly together: <A>(write: () => A) => A;
  /**
   * Writes what nobody would miss: without waiting for the disk. It is there with the next write that
   * waits; until then it can be lost if the power fails, and only then.
   */
  readonly unhurried: <A>(write: () => A) => A;
  readonly error: (operation: string, problem: string, next?: string) => StoreError;
}

// What is recorded as done stays done, even if the power fails.
const pragmas = `
  PRAGMA busy_timeout = 5000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
`;

/** Opens the file, made if absent; closed with the scope. */
export const openDatabase = Effect.fnUntraced(function* (file: string) {
  const error: Database["error"] = (operation, problem, next = adviceOn(problem)) =>
    new StoreError({ operation, path: file, problem, next });
  const attempt: Database["attempt"] = (operation, run) =>
    Effect.try({
      try: run,
      catch: (cause) => error(operation, cause instanceof Error ? cause.message : String(cause)),
    });
  const db = yield* Effect.acquireRelease(
    attempt("open the record of runs", () => {
      if (file !== ":memory:") fs.mkdirSync(path.dirname(file), { recursive: true });
      const db = new DatabaseSync(file);
      try {
        db.exec(pragmas);
        return db;
      } catch (cause) {
        db.close();
        throw cause;
      }
    }),
    (db) => Effect.sync(() => db.close()),
  );
  const together: Database["together"] = (write) => {
    db.exec("BEGIN IMMEDIATE");
    try {
      const result = write();
      db.exec("COMMIT");
      return result;
    } catch (cause) {
      if (db.isTransaction) db.exec("ROLLBACK");
      throw cause;
    }
  };
  const unhurried: Database["unhurried"] = (write) => {
    db.exec("PRAGMA synchronous = NORMAL");
    try {
      return write();
    } finally {
      db.exec("PRAGMA synchronous = FULL");
    }
  };
  return { db, file, attempt, together, unhurried, error } satisfies Database;
});

/**
 * The file where it can be written, else a copy of it that can, removed with the scope: for those who
 * only read, of whom some keep an index.
 */
export const fileToRead = Effect.fnUntraced(function* (file: string) {
  if (isWritable(file)) return file;
  const error = (cause: unknown) =>
    new StoreError({
      operation: "read the record of runs",
      path: file,
      problem: cause instanceof Error ? cause.message : String(cause),
      next: "The state folder cannot be written, so its record was to be copied: check that the temporary folder has room.",
    });
  const folder = yield* Effect.acquireRelease(
    Effect.try({ try: () => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-")), catch: error }),
    (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
  );
  const copy = path.join(folder, path.basename(file));
  yield* Effect.try({ try: () => copyDatabase(file, copy), catch: error });
  return copy;
});

const isWritable = (file: string): boolean => {
  try {
    fs.accessSync(path.dirname(file), fs.constants.W_OK);
    fs.accessSync(file, fs.constants.W_OK);
    return true;
  } catch {
    // What is not there is made, or that fails and says why.
    return !fs.existsSync(file);
  }
};

const copyDatabase = (file: string, copy: string): void => {
  // Somebody may be writing: SQLite waits for the moment at which it is whole.
  if (fs.existsSync(`${file}-shm`)) {
    const db = new DatabaseSync(file, { readOnly: true });
    try {
      db.prepare("VACUUM INTO ?").run(copy);
      return;
    } finally {
      db.close();
    }
  }
  for (const part of ["", "-wal"]) {
    if (fs.existsSync(file + part)) fs.copyFileSync(file + part, copy + part);
  }
};

/** Reads and writes the JSON text of a record; compiled when it is first used, because few are. */
export const coder = <T>(schema: Schema.ConstraintCodec<T, unknown>) => {
  const text = once(() => Schema.fromJsonString(Schema.toCodecJson(schema)));
  const decode = once(() => Schema.decodeUnknownSync(text()));
  const encode = once(() => Schema.encodeSync(text()));
  return {
    read: (row: { readonly [column: string]: SQLOutputValue }): T => decode()(row["record"]),
    write: (value: T): string => encode()(value),
  };
};

const once = <A>(make: () => A): (() => A) => {
  let made: { readonly value: A } | undefined;
  return () => (made ??= { value: make() }).value;
};

const adviceOn = (problem: string): string =>
  /not a database|malformed/.test(problem)
    ? "The file is damaged: move it away, and a new one is made; artifacts are kept."
    : "Check that the state folder is writable and the disk is not full, or choose another folder with --state.";

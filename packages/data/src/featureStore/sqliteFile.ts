/** The file of the embedded feature store: its tables, and how it is opened and written. */
import * as fs from "node:fs";
import * as path from "node:path";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from "node:sqlite";

/** How a file is laid out, as its `PRAGMA user_version` says. */
const layout = 2;

const schema = `
  CREATE TABLE series (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, feature_set TEXT NOT NULL,
    from_hop INTEGER NOT NULL, batch_hop INTEGER NOT NULL, known_until INTEGER NOT NULL,
    written_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE hop (
    series INTEGER NOT NULL, hop INTEGER NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (series, hop)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE entity (
    series INTEGER NOT NULL, entity TEXT NOT NULL, buckets BLOB NOT NULL,
    PRIMARY KEY (series, entity)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE member (
    series INTEGER NOT NULL, hop INTEGER NOT NULL, entity TEXT NOT NULL,
    PRIMARY KEY (series, hop, entity)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE event (
    series INTEGER NOT NULL, event TEXT NOT NULL, hop INTEGER NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (series, event)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX event_hop ON event (series, hop);
  PRAGMA user_version = ${layout};
`;

/** A row of a result. */
export type Row = Record<string, SQLOutputValue>;

/** A file that is made and opened when it is first used. */
export interface SqliteFile {
  /** The first row of a query, which is prepared once. */
  readonly one: (sql: string) => (...values: ReadonlyArray<SQLInputValue>) => Row | undefined;
  readonly all: (sql: string) => (...values: ReadonlyArray<SQLInputValue>) => ReadonlyArray<Row>;
  readonly run: (sql: string) => (...values: ReadonlyArray<SQLInputValue>) => void;
  /** Writes as a whole or not at all. */
  readonly together: <A>(write: () => A) => A;
  readonly close: () => void;
}

/** See {@link SqliteFile}. */
export const sqliteFile = (file: string): SqliteFile => {
  let opened: DatabaseSync | undefined;
  const database = () => (opened ??= open(file));
  const statements = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
  const statement = (sql: string) => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const prepared = database().prepare(sql);
    statements.set(sql, prepared);
    return prepared;
  };
  return {
    one:
      (sql) =>
      (...values) =>
        statement(sql).get(...values),
    all:
      (sql) =>
      (...values) =>
        statement(sql).all(...values),
    run:
      (sql) =>
      (...values) =>
        void statement(sql).run(...values),
    together: (write) => inTransaction(database(), write),
    close: () => opened?.close(),
  };
};

const open = (file: string): DatabaseSync => {
  if (file !== ":memory:") fs.mkdirSync(path.dirname(file), { recursive: true });
  const db = new DatabaseSync(file);
  try {
    // Pages of 32 MiB stay in memory: a lookup is then a search in it.
    db.exec(
      "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768",
    );
    const found = layoutOf(db);
    if (found > layout) throw new Error("it is of a newer version of ml-pipe");
    if (found < layout) inTransaction(db, () => layOutAnew(db));
    return db;
  } catch (cause) {
    db.close();
    throw cause;
  }
};

const layoutOf = (db: DatabaseSync): number =>
  Number(db.prepare("PRAGMA user_version").get()?.["user_version"]);

/** State is made of what a batch knows: where it is laid out otherwise, it has to be materialised again. */
const layOutAnew = (db: DatabaseSync): void => {
  // Another process may have done so meanwhile.
  if (layoutOf(db) === layout) return;
  for (const table of db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()) {
    db.exec(`DROP TABLE "${String(table["name"])}"`);
  }
  db.exec(schema);
};

const inTransaction = <A>(db: DatabaseSync, write: () => A): A => {
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

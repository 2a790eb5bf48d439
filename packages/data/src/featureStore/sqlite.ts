/** The embedded feature store: a SQLite file that any number of processes read and write. */
import * as fs from "node:fs";
import * as path from "node:path";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from "node:sqlite";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { decode, encode, layOut } from "./codec.ts";
import { advanced, applyAll } from "./contributions.ts";
import { entityCache } from "./entityCache.ts";
import { FeatureStoreError } from "./FeatureStoreError.ts";
import type { Series } from "./series.ts";
import type { Addition, FeatureStoreShape, EntityState, Head, Read, Replacement } from "./shape.ts";

const schema = `
  PRAGMA busy_timeout = 5000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, feature_set TEXT NOT NULL,
    from_hop INTEGER NOT NULL, batch_hop INTEGER NOT NULL, known_until INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS hop (
    series INTEGER NOT NULL, hop INTEGER NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (series, hop)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS bucket (
    series INTEGER NOT NULL, entity TEXT NOT NULL, hop INTEGER NOT NULL, columns BLOB NOT NULL,
    PRIMARY KEY (series, entity, hop)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS bucket_hop ON bucket (series, hop);
  CREATE TABLE IF NOT EXISTS event (
    series INTEGER NOT NULL, event TEXT NOT NULL, hop INTEGER NOT NULL, content TEXT NOT NULL,
    PRIMARY KEY (series, event)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS event_hop ON event (series, hop);
`;

/**
 * The store in a file, which is made and opened when it is first used, and closed with the scope.
 * `cacheBytes` bounds what is kept in memory.
 */
export const openSqlite = Effect.fnUntraced(function* (
  file: string,
  cacheBytes: number,
): Effect.fn.Return<FeatureStoreShape, never, Scope.Scope> {
  const attempt = <A>(operation: string, run: () => A) =>
    Effect.try({
      try: run,
      catch: (cause) => new FeatureStoreError({ operation, store: file, ...adviceOn(cause) }),
    });
  let opened: DatabaseSync | undefined;
  const database = () => (opened ??= open(file));
  yield* Effect.addFinalizer(() => Effect.sync(() => opened?.close()));
  const together = <A>(write: () => A): A => {
    const db = database();
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
  const one =
    (sql: string) =>
    (...values: ReadonlyArray<SQLInputValue>): Row | undefined =>
      statement(sql).get(...values);
  const run =
    (sql: string) =>
    (...values: ReadonlyArray<SQLInputValue>): void =>
      void statement(sql).run(...values);
  const statements = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
  const statement = (sql: string) => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const prepared = database().prepare(sql);
    statements.set(sql, prepared);
    return prepared;
  };

  const version = one("PRAGMA data_version");
  const findSeries = one("SELECT * FROM series WHERE name = ?");
  const addSeries = run("INSERT INTO series VALUES (NULL, ?, ?, ?, ?, ?)");
  const moveSeries = run(
    "UPDATE series SET from_hop = ?, batch_hop = ?, known_until = ? WHERE id = ?",
  );
  const findBucket = one("SELECT columns FROM bucket WHERE series = ? AND entity = ? AND hop = ?");
  const putBucket = run("INSERT OR REPLACE INTO bucket VALUES (?, ?, ?, ?)");
  const findEvent = one("SELECT content FROM event WHERE series = ? AND event = ?");
  const putEvent = run("INSERT INTO event VALUES (?, ?, ?, ?)");
  const putHop = run("INSERT OR REPLACE INTO hop VALUES (?, ?, ?)");
  const dropHop = run("DELETE FROM hop WHERE series = ? AND hop = ?");
  const dropBuckets = run("DELETE FROM bucket WHERE series = ? AND hop = ?");
  const forgetHops = run("DELETE FROM hop WHERE series = ? AND hop < ?");
  const forgetBuckets = run("DELETE FROM bucket WHERE series = ? AND hop < ?");
  const forgetEvents = run("DELETE FROM event WHERE series = ? AND hop < ?");
  // One row with all hops: a row each would take twice as long.
  const findEntity = one(
    `SELECT group_concat(hop) AS hops, group_concat(hex(columns)) AS columns
     FROM (SELECT hop, columns FROM bucket WHERE series = ? AND entity = ? ORDER BY hop)`,
  );

  const cache = entityCache(cacheBytes);
  const heads = new Map<string, Known | undefined>();
  let seen: SQLOutputValue | undefined;
  const forgetAll = () => {
    heads.clear();
    cache.clear();
  };
  /** What others have written since is read anew. */
  const refresh = () => {
    const now = version()?.["data_version"];
    if (now !== seen) forgetAll();
    seen = now;
  };
  const headOf = ({ id }: Series): Known | undefined => {
    if (heads.has(id)) return heads.get(id);
    const row = findSeries(id);
    const head =
      row === undefined
        ? undefined
        : {
            key: Number(row["id"]),
            fromHop: Number(row["from_hop"]),
            batchHop: Number(row["batch_hop"]),
            knownUntil: Number(row["known_until"]),
          };
    heads.set(id, head);
    return head;
  };
  const lookUp = ({ series, entity }: Read): EntityState => {
    const head = headOf(series);
    if (head === undefined) return { head, buckets: undefined };
    const cached = cache.get(series.id, entity);
    if (cached !== undefined) return { head, buckets: cached ?? undefined };
    const row = findEntity(head.key, entity);
    const hops = textOf(row?.["hops"])?.split(",") ?? [];
    const columns = textOf(row?.["columns"])?.split(",") ?? [];
    const stored = hops.map((hop, index) => ({
      hop: Number(hop),
      bytes: Buffer.from(columns[index] ?? "", "hex"),
    }));
    const buckets = stored.length === 0 ? null : layOut(series, stored);
    const bytes = stored.reduce((sum, { bytes }) => sum + bytes.length, 0);
    cache.set(series.id, entity, buckets, bytes);
    return { head, buckets: buckets ?? undefined };
  };
  const readAll = (reads: ReadonlyArray<Read>) => {
    refresh();
    return reads.map(lookUp);
  };

  /** The series as it is now, for a transaction that writes. */
  const freshHead = (series: Series): Known | undefined => {
    heads.delete(series.id);
    return headOf(series);
  };
  const moveHead = (known: Known, head: Head) => {
    moveSeries(head.fromHop, head.batchHop, head.knownUntil, known.key);
    forgetHops(known.key, head.fromHop);
    forgetBuckets(known.key, head.fromHop);
    forgetEvents(known.key, Math.max(head.batchHop, head.fromHop));
  };
  const replace = (series: Series, { hops, buckets, head }: Replacement) => {
    const before = freshHead(series);
    if (before === undefined) {
      addSeries(series.id, series.featureSet, head.fromHop, head.batchHop, head.knownUntil);
    }
    const known = freshHead(series);
    if (known === undefined) throw new Error("the series was not stored");
    for (const [hop, digest] of hops) {
      dropBuckets(known.key, hop);
      if (digest === undefined) dropHop(known.key, hop);
      else putHop(known.key, hop, digest);
    }
    for (const { entity, hop, columns } of buckets) {
      putBucket(known.key, entity, hop, encode(series, columns));
    }
    moveHead(known, {
      fromHop: Math.max(known.fromHop, head.fromHop),
      batchHop: Math.max(known.batchHop, head.batchHop),
      knownUntil: Math.max(known.knownUntil, head.knownUntil),
    });
  };
  const append = ({ series, contributions, knownUntil }: Addition) => {
    const known = freshHead(series);
    if (known === undefined) return undefined;
    const { outcomes, events, buckets } = applyAll(series, known, contributions, {
      content: (event) => textOf(findEvent(known.key, event)?.["content"]),
      bucket: (entity, hop) => {
        const row = findBucket(known.key, entity, hop);
        return row === undefined ? undefined : decode(series, bytesOf(row["columns"]));
      },
    });
    for (const { event, hop, content } of events) putEvent(known.key, event, hop, content);
    for (const { entity, hop, columns } of buckets) {
      putBucket(known.key, entity, hop, encode(series, columns));
      cache.delete(series.id, entity);
    }
    const head = advanced(series, known, knownUntil);
    if (head.knownUntil !== known.knownUntil) {
      moveHead(known, head);
      heads.delete(series.id);
    }
    return outcomes;
  };

  return {
    name: file,
    synchronous: true,
    heads: (series) =>
      attempt("say how far it reaches", () => {
        refresh();
        return series.map(headOf);
      }),
    read: (reads) => attempt("be read", () => readAll(reads)),
    digests: (series) =>
      attempt("be read", () => {
        const head = freshHead(series);
        const rows = statement("SELECT hop, digest FROM hop WHERE series = ?").all(head?.key ?? -1);
        return new Map(rows.map((row) => [Number(row["hop"]), String(row["digest"])]));
      }),
    replace: (series, replacement) =>
      attempt("take a batch", () => {
        try {
          together(() => replace(series, replacement));
        } finally {
          forgetAll();
        }
      }),
    append: (additions) =>
      attempt("take rows", () => {
        try {
          return together(() => additions.map(append));
        } catch (cause) {
          forgetAll();
          throw cause;
        }
      }),
  };
});

type Row = Record<string, SQLOutputValue>;

/** A head, with the number that stands for the series in this file. */
interface Known extends Head {
  readonly key: number;
}

const open = (file: string): DatabaseSync => {
  if (file !== ":memory:") fs.mkdirSync(path.dirname(file), { recursive: true });
  const db = new DatabaseSync(file);
  try {
    db.exec(schema);
    return db;
  } catch (cause) {
    db.close();
    throw cause;
  }
};

const bytesOf = (value: SQLOutputValue | undefined): Uint8Array =>
  value instanceof Uint8Array ? value : new Uint8Array();

const textOf = (value: SQLOutputValue | undefined): string | undefined =>
  typeof value === "string" ? value : undefined;

const adviceOn = (cause: unknown): { readonly problem: string; readonly next: string } => {
  const problem = cause instanceof Error ? cause.message : String(cause);
  return {
    problem,
    next: /not a database|malformed/.test(problem)
      ? "The file is damaged: move it away and materialise the features again."
      : "Check that the state folder can be written and the disk is not full.",
  };
};

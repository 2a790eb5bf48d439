/** The embedded feature store: a SQLite file that any number of processes read and write. */
import type { SQLOutputValue } from "node:sqlite";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { decode, edit, type EntityBuckets, layOut } from "./codec.ts";
import { advanced, applyAll, farther, type Outcome } from "./contributions.ts";
import { entityCache } from "./entityCache.ts";
import { FeatureStoreError } from "./FeatureStoreError.ts";
import type { Series } from "./series.ts";
import type {
  Addition,
  EntityState,
  FeatureStoreShape,
  Head,
  Read,
  Replacement,
  StoredBucket,
} from "./shape.ts";
import { type Row, sqliteFile } from "./sqliteFile.ts";

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
  const { one, all, run, together, close } = sqliteFile(file);
  yield* Effect.addFinalizer(() => Effect.sync(close));

  const version = one("PRAGMA data_version");
  const findSeries = one("SELECT * FROM series WHERE name = ?");
  const addSeries = run("INSERT INTO series VALUES (NULL, ?, ?, ?, ?, ?, ?)");
  const moveSeries = run(
    "UPDATE series SET from_hop = ?, batch_hop = ?, known_until = ?, written_at = ? WHERE id = ?",
  );
  const findEntities = Array.from({ length: mostAtOnce }, (_, more) =>
    one(selectEntities(more + 1)),
  );
  const putEntity = run("INSERT OR REPLACE INTO entity VALUES (?, ?, ?)");
  const dropEntity = run("DELETE FROM entity WHERE series = ? AND entity = ?");
  const findEvent = one("SELECT content FROM event WHERE series = ? AND event = ?");
  const putEvent = run("INSERT INTO event VALUES (?, ?, ?, ?)");
  const forgetEvents = run("DELETE FROM event WHERE series = ? AND hop < ?");
  const digestsOf = all("SELECT hop, digest FROM hop WHERE series = ?");
  const putHop = run("INSERT OR REPLACE INTO hop VALUES (?, ?, ?)");
  const dropHop = run("DELETE FROM hop WHERE series = ? AND hop = ?");
  const forgetHops = run("DELETE FROM hop WHERE series = ? AND hop < ?");
  const membersOf = all("SELECT entity FROM member WHERE series = ? AND hop = ?");
  const membersBefore = all("SELECT DISTINCT entity FROM member WHERE series = ? AND hop < ?");
  const putMember = run("INSERT OR IGNORE INTO member VALUES (?, ?, ?)");
  const dropMembers = run("DELETE FROM member WHERE series = ? AND hop = ?");
  const forgetMembers = run("DELETE FROM member WHERE series = ? AND hop < ?");
  const allSeries = all("SELECT * FROM series ORDER BY feature_set, name");
  const dropUnwritten = one("DELETE FROM series WHERE name = ? AND written_at = ? RETURNING id");
  const dropRows = ["entity", "member", "hop", "event"].map((table) =>
    run(`DELETE FROM ${table} WHERE series = ?`),
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
  const bytesOf = ({ key }: Known, entity: string): Uint8Array | undefined =>
    bytesIn(findEntities[0]?.(key, entity), 0);
  const readAll = (reads: ReadonlyArray<Read>): ReadonlyArray<EntityState> => {
    const states: Array<EntityState> = [];
    let absent: Array<Absent> = [];
    const find = () => {
      const keys = absent.flatMap(({ head, read }) => [head.key, read.entity]);
      const row = findEntities[absent.length - 1]?.(...keys);
      for (const [index, { place, head, read }] of absent.entries()) {
        const bytes = bytesIn(row, index);
        const buckets = bytes === undefined ? null : layOut(read.series, bytes);
        cache.set(read.series.id, read.entity, buckets, bytes?.length ?? 0);
        states[place] = { head, buckets: buckets ?? undefined };
      }
      absent = [];
    };
    for (const [place, read] of reads.entries()) {
      const head = headOf(read.series);
      const cached = head === undefined ? null : cache.get(read.series.id, read.entity);
      states.push({ head, buckets: cached ?? undefined });
      if (head === undefined || cached !== undefined) continue;
      absent.push({ place, head, read });
      if (absent.length === mostAtOnce) find();
    }
    if (absent.length > 0) find();
    return states;
  };

  /** The series as it is now, for a transaction that writes. */
  const freshHead = (series: Series): Known | undefined => {
    heads.delete(series.id);
    return headOf(series);
  };
  /** Puts buckets in the place of all that is in some hops, and forgets what is before the head. */
  const write = (
    series: Series,
    { key, fromHop }: Known,
    { head, hops, buckets, stored }: Writing,
    now: number,
  ) => {
    const puts = Map.groupBy(
      buckets.filter(({ hop }) => hop >= head.fromHop),
      ({ entity }) => entity,
    );
    const touched = new Set(puts.keys());
    const touch = (rows: ReadonlyArray<Row>) => {
      for (const row of rows) touched.add(String(row["entity"]));
    };
    for (const hop of hops) {
      touch(membersOf(key, hop));
      dropMembers(key, hop);
    }
    if (head.fromHop > fromHop) {
      touch(membersBefore(key, head.fromHop));
      forgetMembers(key, head.fromHop);
      forgetHops(key, head.fromHop);
    }
    const keeps = (hop: number) => hop >= head.fromHop && !hops.has(hop);
    for (const entity of touched) {
      const put = puts.get(entity) ?? [];
      const bytes = edit(series, stored(entity), keeps, put);
      if (bytes === undefined) dropEntity(key, entity);
      else putEntity(key, entity, bytes);
      for (const { hop } of put) putMember(key, hop, entity);
      cache.delete(series.id, entity);
    }
    moveSeries(head.fromHop, head.batchHop, head.knownUntil, now, key);
    forgetEvents(key, Math.max(head.batchHop, head.fromHop));
    heads.delete(series.id);
  };
  const replace = (series: Series, { hops, buckets, head }: Replacement, now: number) => {
    if (freshHead(series) === undefined) {
      const { fromHop, batchHop, knownUntil } = head;
      addSeries(series.id, series.featureSet, fromHop, batchHop, knownUntil, now);
    }
    const known = freshHead(series);
    if (known === undefined) throw new Error("the series was not stored");
    for (const [hop, digest] of hops) {
      if (digest === undefined) dropHop(known.key, hop);
      else putHop(known.key, hop, digest);
    }
    const stored = (entity: string) => decode(series, bytesOf(known, entity));
    const writing = { head: farther(known, head), hops: new Set(hops.keys()), buckets, stored };
    write(series, known, writing, now);
  };
  const append = (
    { series, contributions, knownUntil }: Addition,
    known: Known,
    now: number,
  ): ReadonlyArray<Outcome> => {
    const decoded = new Map<string, EntityBuckets>();
    const stored = (entity: string): EntityBuckets => {
      const found = decoded.get(entity) ?? decode(series, bytesOf(known, entity));
      decoded.set(entity, found);
      return found;
    };
    const { outcomes, events, buckets } = applyAll(series, known, contributions, {
      content: (event) => textOf(findEvent(known.key, event)?.["content"]),
      bucket: (entity, hop) => stored(entity).get(hop),
    });
    for (const { event, hop, content } of events) putEvent(known.key, event, hop, content);
    const head = advanced(series, known, knownUntil);
    write(series, known, { head, hops: noHops, buckets, stored }, now);
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
    read: (reads) =>
      attempt("be read", () => {
        refresh();
        return readAll(reads);
      }),
    digests: (series) =>
      attempt("be read", () => {
        const rows = digestsOf(freshHead(series)?.key ?? -1);
        return new Map(rows.map((row) => [Number(row["hop"]), String(row["digest"])]));
      }),
    replace: (series, replacement) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        attempt("take a batch", () => {
          try {
            together(() => replace(series, replacement, now));
          } finally {
            forgetAll();
          }
        }),
      ),
    stored: attempt("be read", () =>
      allSeries().map((row) => ({
        id: String(row["name"]),
        featureSet: String(row["feature_set"]),
        knownUntil: new Date(Number(row["known_until"])),
        writtenAt: new Date(Number(row["written_at"])),
      })),
    ),
    drop: (series) =>
      attempt("drop series", () => {
        forgetAll();
        return series.filter(({ id, writtenAt }) =>
          together(() => {
            const key = dropUnwritten(id, writtenAt.getTime())?.["id"];
            if (key === undefined) return false;
            for (const drop of dropRows) drop(key);
            return true;
          }),
        );
      }),
    append: (additions) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        attempt("take rows", () => {
          try {
            return together(() => {
              const found = additions.map(({ series }) => freshHead(series));
              const all = found.every((known) => known !== undefined);
              return additions.map((addition, index) => {
                const known = found[index];
                if (known === undefined) return undefined;
                return all ? append(addition, known, now) : [];
              });
            });
          } catch (cause) {
            forgetAll();
            throw cause;
          }
        }),
      ),
  };
});

/** A head, with the number that stands for the series in this file. */
interface Known extends Head {
  readonly key: number;
}

/** Buckets that are put in the place of all that is in some hops. */
interface Writing {
  readonly head: Head;
  readonly hops: ReadonlySet<number>;
  readonly buckets: ReadonlyArray<StoredBucket>;
  /** What is kept of an entity. */
  readonly stored: (entity: string) => EntityBuckets;
}

/** A lookup of an entity that is not in memory. */
interface Absent {
  readonly place: number;
  readonly head: Known;
  readonly read: Read;
}

/** So many entities are found by one statement: to call SQLite costs as much as to search. */
const mostAtOnce = 16;

/** SQL that finds some entities, each by series and name. */
const selectEntities = (count: number): string => {
  const found = Array.from(
    { length: count },
    (_, index) => `(SELECT buckets FROM entity WHERE series = ? AND entity = ?) AS b${index}`,
  );
  return `SELECT ${found.join(", ")}`;
};

const bytesIn = (row: Row | undefined, index: number): Uint8Array | undefined => {
  const bytes = row?.[`b${index}`];
  return bytes instanceof Uint8Array ? bytes : undefined;
};

const noHops: ReadonlySet<number> = new Set();

const textOf = (value: SQLOutputValue | undefined): string | undefined =>
  typeof value === "string" ? value : undefined;

const adviceOn = (cause: unknown): { readonly problem: string; readonly next: string } => {
  const problem = cause instanceof Error ? cause.message : String(cause);
  if (/not a database|malformed/.test(problem)) {
    return {
      problem,
      next: "The file is damaged: move it away and materialise the features again.",
    };
  }
  if (/newer version/.test(problem)) {
    return { problem, next: "Use that version, or move the file away and materialise again." };
  }
  return {
    problem,
    next: "Check that the state folder can be written and the disk is not full.",
  };
};

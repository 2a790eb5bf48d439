/** Where the items of a fan-out come from, and where what they gave is kept: in memory, or in files. */
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import * as Stream from "effect/Stream";
import { ArtifactStore, ArtifactStoreError } from "../Artifact.ts";
import { canonicalJson } from "../Digest.ts";
import type { Fields } from "../stage/make.ts";
import * as StoredList from "../StoredList.ts";

/** What one item gave. */
export interface Given {
  readonly key: string;
  readonly value: unknown;
  readonly json: Schema.Json;
}

/** The list that a fan-out goes through, and the one that it makes. */
export interface ItemLists {
  readonly total: number;
  /** From the first to the last, each time it is asked for. */
  readonly items: Stream.Stream<unknown, StoredList.ReadError, ArtifactStore>;
  /** Notes a key; whether another item has had it. */
  readonly hadKey: (key: string) => Effect.Effect<boolean, ArtifactStoreError>;
  /** Notes what the item at a place gave; in any order. */
  readonly put: (index: number, given: Given) => Effect.Effect<void, ArtifactStoreError>;
  /** What was noted, in the order of the items. */
  readonly gathered: Effect.Effect<unknown, StoredList.ReadError, ArtifactStore>;
}

/** Both are arrays: they take as much memory as their items do. */
export const arrays = (list: ReadonlyArray<unknown>): ItemLists => {
  const keys = new Set<string>();
  const found: Array<Pick<Given, "key" | "value">> = [];
  return {
    total: list.length,
    items: Stream.fromIterable(list),
    hadKey: (key) => Effect.sync(() => keys.size === keys.add(key).size),
    put: (index, { key, value }) => Effect.sync(() => void (found[index] = { key, value })),
    // Those that failed left a hole.
    gathered: Effect.sync(() => found.filter((item) => item !== undefined)),
  };
};

/** So many lines are read at once. */
const chunkSize = 500;

const Line = Schema.fromJsonString(Schema.Struct({ key: Schema.String, value: Schema.Json }));
const toLine = Schema.decodeUnknownSync(Line);

/**
 * Both are stored lists. Until all items are done, what they gave is in a database of its own, on disk:
 * memory does not grow with the number of items.
 */
export const stored = Effect.fnUntraced(function* (
  list: StoredList.StoredList<unknown>,
  item: Fields[string],
): Effect.fn.Return<ItemLists, ArtifactStoreError, ArtifactStore | Scope.Scope> {
  const folder = yield* (yield* ArtifactStore).temporaryFolder;
  const file = path.join(folder, "items.sqlite");
  const attempt = <A>(run: () => A): Effect.Effect<A, ArtifactStoreError> =>
    Effect.try({ try: run, catch: ArtifactStoreError.of("keep items in", file) });
  const db = yield* Effect.acquireRelease(
    attempt(() => new DatabaseSync(file)),
    (db) => Effect.sync(() => db.close()),
  );
  const sql = yield* attempt(() => {
    // It is of no use after a crash.
    db.exec(`
      PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
      CREATE TABLE key (key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
      CREATE TABLE line (place INTEGER PRIMARY KEY, line TEXT NOT NULL) STRICT;
      BEGIN`);
    return {
      key: db.prepare("INSERT OR IGNORE INTO key VALUES (?)"),
      put: db.prepare("INSERT OR REPLACE INTO line VALUES (?, ?)"),
      lines: db.prepare("SELECT line FROM line ORDER BY place"),
    };
  });
  const lines = Effect.map(
    attempt(() => sql.lines.iterate()),
    (rows) => Stream.fromIterable(rows, { chunkSize }),
  );
  return {
    total: list.count,
    items: StoredList.stream(list, item),
    hadKey: (key) => attempt(() => sql.key.run(key).changes === 0),
    put: (index, { key, json }) =>
      attempt(() => void sql.put.run(index, canonicalJson({ key, value: json }))),
    gathered: StoredList.write(
      Stream.map(Stream.unwrap(lines), (row) => toLine(row["line"])),
      Schema.Struct({ key: Schema.String, value: Schema.Json }),
    ),
  } satisfies ItemLists;
});

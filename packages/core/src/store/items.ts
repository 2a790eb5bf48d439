/** Items of stages that fan out, each with its output: what is finished is not done again. */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { coder, type Database } from "./sqlite.ts";
import type { StoreError } from "./StoreError.ts";

/** A finished item. */
export interface ItemRecord {
  /** Digest of all that its output depends on. */
  readonly cacheKey: string;
  readonly run: string;
  readonly stage: string;
  /** What people call it. */
  readonly key: string;
  readonly output: Schema.Json;
}

/** How finished items are recorded and found. */
export interface ItemStore {
  /** All in one transaction. */
  readonly put: (items: ReadonlyArray<ItemRecord>) => Effect.Effect<void, StoreError>;
  /** Outputs by cache key; of one run only, if it is named. */
  readonly find: (
    cacheKeys: ReadonlyArray<string>,
    run?: string,
  ) => Effect.Effect<ReadonlyMap<string, Schema.Json>, StoreError>;
}

/** See {@link ItemStore}. */
export const itemStore = Effect.fnUntraced(function* ({ db, attempt }: Database) {
  const sql = yield* attempt("open the record of items", () => {
    db.exec(`
      CREATE TABLE IF NOT EXISTS item (
        cache_key TEXT PRIMARY KEY, run TEXT NOT NULL, stage TEXT NOT NULL, key TEXT NOT NULL,
        record TEXT NOT NULL
      ) STRICT, WITHOUT ROWID`);
    return {
      put: db.prepare(
        "INSERT OR REPLACE INTO item (cache_key, run, stage, key, record) VALUES (?, ?, ?, ?, ?)",
      ),
      find: db.prepare(`
        SELECT cache_key, record FROM item
        WHERE cache_key IN (SELECT value FROM json_each(?1)) AND (?2 IS NULL OR run = ?2)`),
    };
  });
  const output = coder(Schema.Json);
  return {
    put: (items) =>
      attempt("record items", () => {
        db.exec("BEGIN IMMEDIATE");
        try {
          for (const { cacheKey, run, stage, key, output: given } of items) {
            sql.put.run(cacheKey, run, stage, key, output.write(given));
          }
          db.exec("COMMIT");
        } catch (cause) {
          if (db.isTransaction) db.exec("ROLLBACK");
          throw cause;
        }
      }),
    find: (cacheKeys, run) =>
      attempt("look up items", () => {
        const rows = sql.find.all(JSON.stringify(cacheKeys), run ?? null);
        return new Map(rows.map((row) => [String(row["cache_key"]), output.read(row)]));
      }),
  } satisfies ItemStore;
});

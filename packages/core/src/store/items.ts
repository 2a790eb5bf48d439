/** Items of stages that fan out, each with its outcome: what is finished is not done again. */
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { Exhibit } from "../Exhibit.ts";
import { Finding } from "../Finding.ts";
import { Emitted } from "../Signal.ts";
import { coder, type Database } from "./sqlite.ts";
import type { StoreError } from "./StoreError.ts";

/** What came of an item: what it gave, and what it told. */
export const ItemOutcome = Schema.Struct({
  /** As JSON, by port ("" for a single one). */
  outputs: Schema.Record(Schema.String, Schema.Json),
  findings: Schema.optionalKey(Schema.Array(Finding)),
  signals: Schema.optionalKey(Schema.Array(Emitted)),
  exhibits: Schema.optionalKey(Schema.Array(Exhibit)),
});
/** See {@link ItemOutcome}. */
export type ItemOutcome = typeof ItemOutcome.Type;

/** A finished item. */
export interface ItemRecord {
  /** Stands for all that its outcome depends on. */
  readonly cacheKey: string;
  readonly run: string;
  readonly stage: string;
  /** What people call it. */
  readonly key: string;
  readonly outcome: ItemOutcome;
}

/** How finished items are recorded and found. */
export interface ItemStore {
  /** All in one transaction. */
  readonly put: (items: ReadonlyArray<ItemRecord>) => Effect.Effect<void, StoreError>;
  /** Outcomes by cache key; of one run only, if it is named. What cannot be read is not found. */
  readonly find: (
    cacheKeys: ReadonlyArray<string>,
    run?: string,
  ) => Effect.Effect<ReadonlyMap<string, ItemOutcome>, StoreError>;
  /** Items that a run executed, by stage and key. Without those whose record cannot be read. */
  readonly executed: (
    run: string,
  ) => Effect.Effect<ReadonlyArray<Omit<ItemRecord, "cacheKey">>, StoreError>;
}

const { read: readStrictly, write } = coder(ItemOutcome);
const read = Option.liftThrowable(readStrictly);

/** See {@link ItemStore}. */
export const itemStore = Effect.fnUntraced(function* ({ db, attempt, together }: Database) {
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
      executed: db.prepare("SELECT stage, key, record FROM item WHERE run = ? ORDER BY stage, key"),
    };
  });
  return {
    put: (items) =>
      attempt("record items", () => {
        together(() => {
          for (const { cacheKey, run, stage, key, outcome } of items) {
            sql.put.run(cacheKey, run, stage, key, write(outcome));
          }
        });
      }),
    find: (cacheKeys, run) =>
      attempt("look up items", () => {
        const rows = sql.find.all(JSON.stringify(cacheKeys), run ?? null);
        const found = rows.flatMap((row) =>
          Option.toArray(read(row)).map((outcome) => [String(row["cache_key"]), outcome] as const),
        );
        return new Map(found);
      }),
    executed: (run) =>
      attempt("read items", () =>
        sql.executed.all(run).flatMap((row) =>
          Option.toArray(read(row)).map((outcome) => ({
            run,
            stage: String(row["stage"]),
            key: String(row["key"]),
            outcome,
          })),
        ),
      ),
  } satisfies ItemStore;
});

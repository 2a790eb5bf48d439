/** What retention asks of the records, and how records go. */
import * as Effect from "effect/Effect";
import { digestsIn } from "../internal/retentionFiles.ts";
import type { Database } from "./sqlite.ts";
import type { StoreError } from "./StoreError.ts";

/** How runs are kept, and how those that are not are forgotten. */
export interface RetentionStore {
  /** Keeps a run whatever its age, or no longer does. */
  readonly keep: (run: string, keep: boolean, at: Date) => Effect.Effect<void, StoreError>;
  readonly kept: Effect.Effect<ReadonlySet<string>, StoreError>;
  /** Runs at whose gates a word was given. */
  readonly approved: Effect.Effect<ReadonlySet<string>, StoreError>;
  /** The runs whose results each run reused. */
  readonly reused: Effect.Effect<ReadonlyMap<string, ReadonlySet<string>>, StoreError>;
  /** Every digest that a record mentions, but for those of the runs named. */
  readonly mentioned: (
    without: ReadonlySet<string>,
  ) => Effect.Effect<ReadonlySet<string>, StoreError>;
  /**
   * Forgets runs and what was recorded with them, all at once or not at all. Fails if one of them was
   * kept or approved in the meantime.
   */
  readonly remove: (runs: ReadonlySet<string>) => Effect.Effect<void, StoreError>;
  /** Gives the space of what was removed back to the disk, if it is worthwhile: how many bytes. */
  readonly shrink: Effect.Effect<number, StoreError>;
}

/** Tables whose rows belong to one run, in the order in which they go. */
const ofRuns = [
  "item",
  "stage",
  "lineage_value",
  "lineage_file",
  "lineage_use",
  "lineage_reuse",
] as const;

/** See {@link RetentionStore}. */
export const retentionStore = Effect.fnUntraced(function* ({ db, file, attempt, error }: Database) {
  yield* attempt("open the record of kept runs", () => {
    db.exec("CREATE TABLE IF NOT EXISTS kept (run TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT");
  });

  const tables = () =>
    db
      .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .all()
      .map((row) => String(row["name"]));

  const ids = (query: string): ReadonlySet<string> =>
    new Set(
      db
        .prepare(query)
        .all()
        .map((row) => String(row["run"])),
    );
  const keptRuns = () => ids("SELECT run FROM kept");
  const approvedRuns = () =>
    ids("SELECT DISTINCT json_extract(record, '$.run') AS run FROM approval");

  /** Rows of a table as one text each, without those of some runs. */
  const rowsOf = (table: string, without: ReadonlySet<string>): Iterable<string> => {
    const columns = db
      .prepare("SELECT name, type FROM pragma_table_info(?)")
      .all(table)
      .filter((column) => column["type"] === "TEXT")
      .map((column) => String(column["name"]));
    const owner = table === "run" ? "id" : columns.includes("run") ? "run" : undefined;
    if (columns.length === 0) return [];
    const text = columns.map((name) => `coalesce("${name}", '')`).join(" || ' ' || ");
    const query = `SELECT ${owner ?? "NULL"} AS owner, ${text} AS text FROM "${table}"`;
    return textsOf(db.prepare(query).iterate(), without);
  };

  const pragma = (name: string): number => Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
  const size = () => pragma("page_count") * pragma("page_size");

  return {
    keep: (run, keep, at) =>
      attempt("keep a run", () => {
        if (keep) db.prepare("INSERT OR IGNORE INTO kept VALUES (?, ?)").run(run, at.toISOString());
        else db.prepare("DELETE FROM kept WHERE run = ?").run(run);
      }),
    kept: attempt("read which runs are kept", keptRuns),
    approved: attempt("read approvals", approvedRuns),
    reused: attempt("read what runs reused", () => {
      const rows = db
        .prepare(`
          SELECT DISTINCT run, json_extract(record, '$.reusedFrom') AS origin FROM stage
          WHERE origin IS NOT NULL`)
        .all();
      const found = new Map<string, Set<string>>();
      for (const { run, origin } of rows) {
        const origins = found.get(String(run)) ?? new Set<string>();
        found.set(String(run), origins.add(String(origin)));
      }
      return found;
    }),
    mentioned: (without) =>
      attempt("read what records refer to", () => {
        const found = new Set<string>();
        for (const table of tables()) {
          // What the index of lineage says, the records say; the holdout ledger keeps no data alive.
          if (table.startsWith("lineage_") || table.startsWith("holdout_")) continue;
          for (const text of rowsOf(table, without)) {
            for (const digest of digestsIn(text)) found.add(digest);
          }
        }
        return found;
      }),
    remove: Effect.fnUntraced(function* (runs) {
      const changed = yield* attempt("remove runs", () => {
        const there = new Set(tables());
        const statements = ofRuns
          .filter((table) => there.has(table))
          .map((table) => db.prepare(`DELETE FROM ${table} WHERE run = ?`));
        const removeRun = db.prepare("DELETE FROM run WHERE id = ?");
        db.exec("BEGIN IMMEDIATE");
        try {
          const wanted = [...keptRuns(), ...approvedRuns()].filter((run) => runs.has(run));
          if (wanted.length > 0) {
            db.exec("ROLLBACK");
            return wanted;
          }
          for (const run of runs) {
            for (const statement of statements) statement.run(run);
            removeRun.run(run);
          }
          // The numbers of removed rows are given again.
          if (there.has("lineage_done")) {
            db.exec(
              "UPDATE lineage_done SET upto = min(upto, (SELECT coalesce(max(rowid), 0) FROM stage))",
            );
          }
          db.exec("COMMIT");
          return [];
        } catch (cause) {
          if (db.isTransaction) db.exec("ROLLBACK");
          throw cause;
        }
      });
      if (changed.length === 0) return;
      return yield* error(
        "remove runs",
        `meanwhile somebody kept or approved ${changed.join(", ")}`,
        "Nothing was removed: try again.",
      );
    }),
    shrink: attempt("shrink the record of runs", () => {
      const free = pragma("freelist_count") * pragma("page_size");
      if (file === ":memory:" || free < 1 << 20 || free < size() / 4) return 0;
      const before = size();
      db.exec("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
      return before - size();
    }),
  } satisfies RetentionStore;
});

function* textsOf(
  rows: Iterable<Record<string, unknown>>,
  without: ReadonlySet<string>,
): Iterable<string> {
  for (const { owner, text } of rows) {
    if (typeof owner === "string" && without.has(owner)) continue;
    if (typeof text === "string") yield text;
  }
}

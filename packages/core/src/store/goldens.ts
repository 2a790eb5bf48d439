/** Golden sets as they are recorded: for ever, whatever runs are removed. */
import * as Effect from "effect/Effect";
import { Golden } from "../Golden.ts";
import { coder, type Database } from "./sqlite.ts";
import type { StoreError } from "./StoreError.ts";

/** How golden sets are registered and found. */
export interface GoldenStore {
  /**
   * Registers a golden set and returns what is registered under its name and version: what was there
   * before stays there.
   */
  readonly register: (golden: Golden) => Effect.Effect<Golden, StoreError>;
  /** The golden sets of a contract's rows, by name and version. */
  readonly of: (contract: string) => Effect.Effect<ReadonlyArray<Golden>, StoreError>;
}

const table = `
  CREATE TABLE IF NOT EXISTS golden (
    name TEXT NOT NULL, version TEXT NOT NULL, contract TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (name, version)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS golden_by_contract ON golden (contract);
`;

/** See {@link GoldenStore}. */
export const goldenStore = Effect.fnUntraced(function* ({ db, attempt }: Database) {
  const sql = yield* attempt("open the golden sets", () => {
    db.exec(table);
    return {
      put: db.prepare(
        "INSERT OR IGNORE INTO golden (name, version, contract, record) VALUES (?, ?, ?, ?)",
      ),
      get: db.prepare("SELECT record FROM golden WHERE name = ? AND version = ?"),
      of: db.prepare("SELECT record FROM golden WHERE contract = ? ORDER BY name, version"),
    };
  });
  const golden = coder(Golden);
  return {
    register: (one) =>
      attempt("register a golden set", () => {
        sql.put.run(one.name, one.version, one.contract, golden.write(one));
        const there = sql.get.get(one.name, one.version);
        return there === undefined ? one : golden.read(there);
      }),
    of: (contract) => attempt("read the golden sets", () => sql.of.all(contract).map(golden.read)),
  } satisfies GoldenStore;
});

/** Rows that repeat an earlier one, whole or by key. */
import { randomUUID } from "node:crypto";
import type { Contract } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { type Judged, rowNumbers, sampleSize } from "./Check.ts";
import { rowsOf } from "./words.ts";

/** Rows that repeat an earlier one: a table in DuckDB's memory with `row`, `reason`; and the judgement. */
export interface Duplicates {
  /** The relation, if there are any. */
  readonly relation: string | undefined;
  readonly judged: Judged;
}

/** What makes two rows the same. */
export interface Sameness {
  readonly check: string;
  readonly expected: string;
  readonly columns: ReadonlyArray<string>;
  /** Before the number of the row that is kept. */
  readonly reason: string;
  /** SQL: rows for which it is true are kept only if there is no other. */
  readonly last: string;
}

/**
 * Finds the rows that repeat another, in two steps: a pass over hashes finds the few candidates, then
 * their values are compared. The first row is kept; null equals null. The relation lives as long as
 * the scope.
 */
export const findDuplicates = Effect.fnUntraced(function* (
  rows: string,
  total: number,
  { check, columns, reason, last }: Sameness,
): Effect.fn.Return<Duplicates, Duckdb.DuckdbError, Duckdb.Duckdb | Scope.Scope> {
  const db = yield* Duckdb.Duckdb;
  const name = `"duplicates ${randomUUID()}"`;
  const names = columns.map(Duckdb.identifier).join(", ");
  const operation = `find rows that are not unique (${check})`;
  // Not acquireRelease: it could not be interrupted while it searches.
  yield* Effect.addFinalizer(() =>
    Effect.ignore(db.execute("forget the duplicates", `DROP TABLE IF EXISTS ${name}`)),
  );
  yield* db.execute(
    operation,
    `CREATE TABLE ${name} AS
       WITH rows AS (${rows}),
       repeated AS (SELECT hash(${names}) AS "~hash" FROM rows GROUP BY "~hash" HAVING count(*) > 1)
       SELECT "~row" AS row, ${Duckdb.literal(`${check}: ${reason} `)} || "~first" AS reason
       FROM (
         SELECT "~row", first_value("~row") OVER (PARTITION BY ${names} ORDER BY ${last}, "~row") AS "~first"
         FROM rows WHERE hash(${names}) IN (FROM repeated)
       ) WHERE "~row" <> "~first"`,
  );
  const [counted] = yield* db.rows(
    operation,
    `SELECT CAST(count(*) AS DOUBLE) AS n, min(row, ${sampleSize}) AS sample FROM ${name}`,
  );
  const repeats = Number(counted?.["n"] ?? 0);
  if (repeats === 0)
    return { relation: undefined, judged: { outcome: "passed", found: "every row" } };
  return {
    relation: name,
    judged: {
      outcome: "failed",
      found: rowsOf(repeats, total),
      rows: repeats,
      sample: rowNumbers(counted?.["sample"]),
    },
  };
});

/** The same values in all columns of the contract. */
export const sameRow = ({ columns }: Contract.Contract): Sameness => ({
  check: "rows.unique",
  expected: "no two rows with the same values",
  columns: Object.keys(columns),
  reason: "duplicate of row",
  last: "false",
});

/** The same values in the key; of such rows, the first that passes the other checks is kept. */
export const sameKey = (key: ReadonlyArray<string>, fails: string): Sameness => ({
  check: "key.unique",
  expected: `no two rows with the same ${key.join(", ")}`,
  columns: key,
  reason: `the same ${key.join(", ")} as row`,
  last: `coalesce(${fails}, false)`,
});

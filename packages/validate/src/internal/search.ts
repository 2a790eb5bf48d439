/** Rows that only a comparison with other rows finds: they repeat one, or break an order. */
import { randomUUID } from "node:crypto";
import type { Contract } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { type Check, couldNotRun, type Judged, rowNumbers, sampleSize } from "./Check.ts";
import { isAboutValues } from "./scan.ts";
import { rowsOf } from "./words.ts";

/** What a search found. */
export interface Found {
  /** A table in DuckDB's memory with `row` and `reason`, if there are any. */
  readonly relation: string | undefined;
  readonly judged: Judged;
  /** Why it cannot search this data, if it cannot. */
  readonly problem?: string;
}

/**
 * Runs the search of a check whose values of the scan did not keep it from running. The relation lives
 * as long as the scope. `failed` is true for rows that other checks set aside.
 */
export const search = Effect.fnUntraced(function* (
  rows: string,
  check: Check,
  values: ReadonlyArray<unknown>,
  failed: string,
): Effect.fn.Return<Found, Duckdb.DuckdbError, Duckdb.Duckdb | Scope.Scope> {
  const sql = check.rows?.search?.(failed);
  if (sql === undefined) return { relation: undefined, judged: check.judge(values) };
  const db = yield* Duckdb.Duckdb;
  const relation = `"found ${randomUUID()}"`;
  const operation = `find rows that fail (${check.name})`;
  // Not acquireRelease: it could not be interrupted while it searches.
  yield* Effect.addFinalizer(() =>
    Effect.ignore(db.execute("forget the rows", `DROP TABLE IF EXISTS ${relation}`)),
  );
  const made = yield* Effect.result(
    db.execute(
      operation,
      // Read twice, a few columns each time, rather than kept in memory with all columns.
      `CREATE TABLE ${relation} AS WITH rows AS NOT MATERIALIZED (${rows}) ${sql}`,
    ),
  );
  if (made._tag === "Failure") {
    if (!isAboutValues(made.failure)) return yield* made.failure;
    const { problem } = made.failure;
    return { relation: undefined, judged: couldNotRun(problem), problem };
  }
  const [counted] = yield* db.rows(
    operation,
    `SELECT CAST(count(*) AS DOUBLE) AS n, min(row, ${sampleSize}) AS sample FROM ${relation}`,
  );
  const judged = check.judge(values, Number(counted?.["n"]));
  return judged.outcome === "failed"
    ? { relation, judged: { ...judged, sample: rowNumbers(counted?.["sample"]) } }
    : { relation: undefined, judged };
});

/**
 * SQL of the rows of a relation that repeat another, in two steps: a pass over hashes finds the few
 * candidates, then their values are compared. Of equal rows the first is kept, or the first for which
 * `last` is not true; null equals null. `reason` stands before the number of the row that is kept.
 */
export const repeats = (
  relation: string,
  columns: ReadonlyArray<string>,
  { reason, last }: { readonly reason: string; readonly last: string },
): string => {
  const names = columns.map(Duckdb.identifier).join(", ");
  return `SELECT "~row" AS row, ${Duckdb.literal(`${reason} `)} || "~first" AS reason
    FROM (
      SELECT "~row", first_value("~row") OVER (PARTITION BY ${names} ORDER BY ${last}, "~row") AS "~first"
      FROM ${relation} WHERE hash(${names}) IN (
        SELECT hash(${names}) AS "~hash" FROM ${relation} GROUP BY "~hash" HAVING count(*) > 1
      )
    ) WHERE "~row" <> "~first"`;
};

/** The checks that no two rows are the same, in whole or in the key. */
export const uniqueness = (
  { columns, spec: { key } }: Contract.Contract,
  uniqueRows: boolean,
  unread: boolean,
): ReadonlyArray<Check> => {
  const same = (name: string, expected: string, sql: (failed: string) => string): Check => ({
    name,
    expected,
    // The columns that cannot be read have failed already.
    severity: unread ? "warn" : "fail",
    asks: ["count(*)"],
    judge: ([count], searched = 0) => {
      const total = Number(count);
      if (total === 0) return couldNotRun("the table has no rows");
      if (unread) return couldNotRun("not all columns can be read");
      return searched === 0
        ? { outcome: "passed", found: "every row" }
        : { outcome: "failed", found: rowsOf(searched, total), rows: searched };
    },
    rows: { fails: "false", found: "''", aside: true, example: false, search: sql },
  });
  const names = key?.join(", ");
  return [
    ...(uniqueRows
      ? [
          {
            ...same("rows.unique", "no two rows with the same values", () =>
              repeats("rows", Object.keys(columns), { reason: "duplicate of row", last: "false" }),
            ),
            description: "If different things may have the same values, say uniqueRows: false.",
          },
        ]
      : []),
    ...(key === undefined
      ? []
      : [
          // Last: of rows with the same key, the first that passes all other checks is kept.
          same("key.unique", `no two rows with the same ${names}`, (failed) =>
            repeats("rows", key, { reason: `the same ${names} as row`, last: failed }),
          ),
        ]),
  ];
};

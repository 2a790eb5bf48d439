/** Applying fitted transformations, and comparing what comes out. For tests only. */
import { assert } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { Duckdb } from "../src/Duckdb.ts";
import * as Table from "../src/Table.ts";
import * as Transform from "../src/Transform.ts";
import { allClose } from "./statistics.ts";

/** What its contract says. */
export const about = {
  version: "1",
  owner: "lab",
  columns: {
    x: Column.float(),
    count: Column.float(),
    constant: Column.float(),
    gaps: Column.float({ nullable: true }),
    city: Column.string({ nullable: true }),
    happy: Column.boolean({ availableAt: "outcome" }),
  },
} as const;
/** Whose rows `transform.json` has. */
export const Person = Contract.make("person", about);
/** What comes out for each row, by SQL, as nulls and numbers row by row. */
export const applied = Effect.fnUntraced(function* (
  fitted: Transform.Fitted,
  table: Table.AnyTable,
  training?: { readonly group: string | undefined },
) {
  const db = yield* Duckdb;
  const select = Transform.selectSql(fitted, training).map((sql, index) => `${sql} AS c${index}`);
  const rows = yield* db.rows(
    "apply",
    `SELECT ${select.join(", ")} FROM ${yield* Table.relation(table, { rowNumbers: true })} ORDER BY file_row_number`,
  );
  return rows.map((row) =>
    fitted.outputs.map((_, index) => {
      const value = row[`c${index}`];
      return value === null ? null : Number(value);
    }),
  );
});

/** Numbers are close, and missing where they should be. */
export const same = (
  found: ReadonlyArray<ReadonlyArray<number | null>>,
  expected: ReadonlyArray<number | null>,
): void => {
  const flat = found.flat();
  assert.deepStrictEqual(
    flat.map((value) => value === null),
    expected.map((value) => value === null),
  );
  allClose(
    flat.map((value) => value ?? 0),
    expected.map((value) => value ?? 0),
  );
};

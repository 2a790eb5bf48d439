/** The label of the training rows, for what is fitted by it. */
import type { Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { Duckdb, type DuckdbError, literal } from "../Duckdb.ts";

/** A label, as a column of numbers. */
export interface Label {
  /** SQL: the number itself, 1 for yes and 0 for no, or the place of a class among `classes`. */
  readonly sql: string;
  /** What a column that is encoded by the label tells of, in order; undefined for a number. */
  readonly classes: ReadonlyArray<string> | undefined;
}

/** Reads which classes the rows of a relation have, in the order of their names. */
export const labelOf = Effect.fnUntraced(function* (
  { spec }: Contract.Contract,
  relation: string,
  operation: string,
): Effect.fn.Return<Label, DuckdbError, Duckdb> {
  const type = spec.columns["label"]?.type;
  if (type === "boolean") return { sql: "CAST(label AS DOUBLE)", classes: ["no", "yes"] };
  if (type !== "string") return { sql: "CAST(label AS DOUBLE)", classes: undefined };
  const db = yield* Duckdb;
  const found = yield* db.rows(operation, `SELECT DISTINCT label FROM ${relation} ORDER BY label`);
  const classes = found.map(({ label }) => String(label));
  return {
    sql: `CAST(list_position([${classes.map(literal).join(", ")}], label) - 1 AS DOUBLE)`,
    classes,
  };
});

/** What features go through before a model reads them, fitted on the rows that it is trained on. */
import type { Contract } from "@ml-pipe/core";
import { Duckdb, Transform } from "@ml-pipe/data";
import * as Effect from "effect/Effect";

/** What a training stage may be told of its features. */
export interface Prepared<out Out extends Contract.Contract> {
  /**
   * What the features go through before the model reads them. Fitted by the stage, on its training rows
   * only, and stored with the model: requests go through it too.
   */
  readonly prepare?: Transform.Transform<Out>;
}

/** The part of a stage's parameters that says so. */
export const preparedBy = (
  prepare: Transform.Transform | undefined,
): { readonly prepare?: string } => (prepare === undefined ? {} : { prepare: prepare.digest });

/**
 * Fits a transformation on some rows of a table and gives it to these, and to others. `relation` has
 * `file_row_number`, by which rows are named; columns come out in the order of the names.
 */
export const prepareFold = (
  prepare: Transform.Transform,
  relation: string,
  rows: { readonly train: Float64Array; readonly held: Float64Array },
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const db = yield* Duckdb.Duckdb;
      const operation = "prepare a fold";
      const only = Effect.fnUntraced(function* (row: Float64Array) {
        const names = yield* db.fromColumns(operation, { row });
        // In order: what is summed, and what is trained on, is then the same every time.
        return `(SELECT t.* FROM ${relation} AS t JOIN ${names} AS n ON t.file_row_number = n.row ORDER BY t.file_row_number)`;
      });
      const [train, held] = [yield* only(rows.train), yield* only(rows.held)];
      const fitted = yield* Transform.fitRelation(prepare, train);
      const { group } = prepare.contract.spec;
      const read = (from: string, select: ReadonlyArray<string>, count: number) =>
        Effect.map(
          db.numericColumns(operation, { from, select, rows: count }),
          ({ columns }) => columns,
        );
      return {
        featureNames: fitted.outputs.map(({ name }) => name),
        train: yield* read(train, Transform.selectSql(fitted, { group }), rows.train.length),
        held: yield* read(held, Transform.selectSql(fitted), rows.held.length),
      };
    }),
  );

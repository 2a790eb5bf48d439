/** Which fold each row is in: the rows that are kept from the model that predicts them. */
import type { Contract } from "@ml-pipe/core";
import { Duckdb, type OutOfFold, Split } from "@ml-pipe/data";

/** A contract with a group keeps groups whole; else one with an event time is cut into periods. */
export const foldsBy = ({ group, eventTime }: Contract.ContractSpec): OutOfFold.FoldsBy =>
  group !== undefined ? "group" : eventTime !== undefined ? "time" : "random";

/** The column that says where a row belongs, if it is not dealt out by itself. */
export const foldColumn = ({ group, eventTime }: Contract.ContractSpec): string | undefined =>
  group ?? eventTime;

/**
 * SQL for the rows of a relation that are in a fold, with its number from 0 as `~fold`. Groups and single
 * rows are dealt out as by `Split.kFold`; periods have about as many rows each, and rows of one instant are
 * in one period. `stratified`: each fold has its share of every label, where they are not cut by time. All rows
 * have the column of {@link foldColumn}.
 */
export const foldedSql = (
  contract: Contract.Contract,
  relation: string,
  {
    folds,
    seed,
    stratified,
  }: { readonly folds: number; readonly seed: number; readonly stratified: boolean },
): string => {
  if (foldsBy(contract.spec) === "time") {
    const time = Duckdb.identifier(contract.spec.eventTime ?? "");
    return `(SELECT *, (${folds} * (rank() OVER (ORDER BY ${time}) - 1)) // count(*) OVER () AS "~fold"
      FROM ${relation})`;
  }
  const dealt = Split.foldsSql(contract, relation, {
    folds,
    seed,
    ...(stratified ? { stratify: "label" } : {}),
  });
  return `(SELECT t.*, "~part" AS "~fold" FROM ${relation} AS t JOIN (${dealt}) AS d ON t.file_row_number = d."~row")`;
};

/** The rows of one fold, and those that its model may be trained on. */
export interface Fold {
  readonly held: Int32Array;
  readonly train: Int32Array;
}

/**
 * The rows of fold `k`, and all others less those within `embargoMs` of its period: their outcomes
 * overlap it (López de Prado, Advances in Financial Machine Learning, 2018, section 7.4). `time` is NaN
 * where there is none.
 */
export const foldRows = (
  fold: Float64Array,
  time: Float64Array,
  k: number,
  embargoMs: number,
): Fold => {
  let [from, to] = [Infinity, -Infinity];
  for (let row = 0; row < fold.length; row++) {
    if (fold[row] !== k) continue;
    from = Math.min(from, time[row]!);
    to = Math.max(to, time[row]!);
  }
  const held: Array<number> = [];
  const train: Array<number> = [];
  for (let row = 0; row < fold.length; row++) {
    if (fold[row] === k) held.push(row);
    else if (!(embargoMs > 0 && time[row]! > from - embargoMs && time[row]! < to + embargoMs)) {
      train.push(row);
    }
  }
  return { held: Int32Array.from(held), train: Int32Array.from(train) };
};

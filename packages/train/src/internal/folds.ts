/** Which fold each row is in: the rows that are kept from the model that predicts them. */
import type { Contract } from "@ml-pipe/core";
import { Duckdb, type OutOfFold } from "@ml-pipe/data";

/** A contract with a group keeps groups whole; else one with an event time is cut into periods. */
export const foldsBy = ({ group, eventTime }: Contract.ContractSpec): OutOfFold.FoldsBy =>
  group !== undefined ? "group" : eventTime !== undefined ? "time" : "random";

/**
 * SQL for the fold of a row, from 0, over all rows that have a label, with `file_row_number`. Groups and
 * single rows are ordered by a hash of the seed and dealt out in turn, single rows class by class; periods
 * have about as many rows each, and rows of one instant are in one period.
 */
export const foldSql = (
  spec: Contract.ContractSpec,
  { folds, seed }: { readonly folds: number; readonly seed: number },
): string => {
  const shuffled = (value: string) => `md5(concat('${seed} ', ${value}))`;
  switch (foldsBy(spec)) {
    case "group": {
      const group = Duckdb.identifier(spec.group ?? "");
      return `(dense_rank() OVER (ORDER BY ${shuffled(`CAST(${group} AS VARCHAR)`)}, ${group}) - 1) % ${folds}`;
    }
    case "time": {
      const time = Duckdb.identifier(spec.eventTime ?? "");
      return `(${folds} * (rank() OVER (ORDER BY ${time}) - 1)) // count(*) OVER ()`;
    }
    case "random":
      return `(row_number() OVER (PARTITION BY label ORDER BY ${shuffled("file_row_number")}) - 1) % ${folds}`;
  }
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

/** Folds at random: each row is validated on once, by a model that was trained on the others. */
import { type Contract, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Duckdb, identifier } from "../Duckdb.ts";
import * as Table from "../Table.ts";
import { type OverlapError, TooFewUnits } from "./errors.ts";
import { foldOf, type FoldsStage, storeAssignment, tableOf, wholeOf } from "./Fold.ts";
import { drawSql } from "./hash.ts";
import { requireDisjoint } from "./overlap.ts";
import { splitId } from "./parts.ts";
import { givenReasons, requireOffered, type Unordered } from "./refusal.ts";
import { strataOf } from "./strata.ts";
import { tell } from "./told.ts";
import {
  type Duplicates,
  lawsOf,
  requireUnits,
  sizesSql,
  stratumSql,
  type Units,
  unitsSql,
} from "./units.ts";

/** How folds are made. */
export interface KFoldOptions<C extends Contract.Contract> {
  /** How many; default 5, at least 2. */
  readonly folds?: number;
  /** Another seed gives other folds; default 0. */
  readonly seed?: number;
  /** The column of whose values each fold is to have as many; a group counts as what most of its rows are. */
  readonly stratify?: keyof C["columns"] & string;
  /** What becomes of rows that are equal in all but their key; not for groups. Default `together`. */
  readonly duplicates?: Duplicates;
}

/**
 * A stage that makes k folds of a table: each row is in the validation part of one, and in the train part
 * of the others. A contract with a group has whole groups in each fold. One with an event time does not
 * fit, by type: see {@link rollingOrigin}.
 *
 * Takes the train part of a split, or a checked table where nothing is held out for a test. The rows are
 * not copied. Fails with {@link TooFewUnits} where there are fewer rows or groups than folds, and with
 * {@link OverlapError} if a key is in two folds.
 *
 * Rows are dealt out in the order of their hash, value by value of `stratify`: folds differ by at most
 * one row of each value. Groups are dealt out largest first.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Split } from "@ml-pipe/data";
 *
 * const Scan = Contract.make("scan", {
 *   version: "1", owner: "radiology", group: "patient",
 *   columns: { patient: Column.string(), ill: Column.boolean({ availableAt: "outcome" }) },
 * });
 * const folds = Split.kFold(Scan, { folds: 5, stratify: "ill" });
 * ```
 */
export const kFold = <
  C extends Contract.Contract,
  const Time extends string | undefined = undefined,
>(
  contract: C & Unordered<C, Time>,
  options: KFoldOptions<C> & { readonly ignoreEventTime?: Time } = {},
): FoldsStage<C, TooFewUnits | OverlapError> => {
  const { folds = 5, seed = 0, stratify, duplicates = "together", ignoreEventTime } = options;
  const { group, owner } = contract.spec;
  const reasons = givenReasons({ ignoreEventTime });
  requireOffered("folds", contract, { time: false, group: group !== undefined }, reasons);
  const units: Units = { group, duplicates, stratify, seed };
  requireUnits("folds", contract, units);
  if (!(Number.isSafeInteger(folds) && folds >= 2)) {
    throw new TypeError(`folds: ${folds} is not a whole number of at least 2`);
  }
  const params = {
    by: group ?? "hash",
    folds,
    seed,
    ...(stratify === undefined ? {} : { stratify }),
    ...(group === undefined ? { duplicates } : {}),
    ...reasons,
  };
  const unit = group === undefined ? "row" : "group";
  const all = Array.from({ length: folds }, (_, index) => index);
  return Stage.make("folds", {
    description: `makes ${folds} folds${group === undefined ? "" : ` by ${group}`}`,
    input: { data: wholeOf<C>(contract) },
    output: Schema.Array(foldOf<C>(contract)),
    params,
    run: Effect.fnUntraced(function* ({ data }, context) {
      const relation = yield* Table.relation(data, { rowNumbers: true });
      const split = splitId(data, params);
      const dealt = yield* Table.scratch(
        "deal rows out to folds",
        dealtSql(unitsSql(contract, relation, units), folds, units),
      );
      const assignment = yield* storeAssignment(data, `SELECT "~row", "~part" FROM ${dealt}`);
      if (assignment.rows.size < folds) {
        const db = yield* Duckdb;
        const [found] = yield* db.rows(
          "count what is dealt out",
          `SELECT CAST(count(DISTINCT "~unit") AS DOUBLE) AS n FROM ${dealt}`,
        );
        return yield* new TooFewUnits({ unit, found: Number(found?.["n"] ?? 0), folds });
      }
      const names = all.map((index) => `fold ${index + 1}`);
      let repeated = 0;
      for (const law of lawsOf(contract, units)) {
        const columns = law.columns.map(identifier).join(", ");
        const tagged = `(SELECT "~part", "~row", ${columns} FROM ${relation} AS t JOIN ${dealt} AS d ON t.file_row_number = d."~row")`;
        ({ repeated } = yield* requireDisjoint(tagged, names, law));
      }
      const made = all.map((index) => {
        const id = splitId(data, { ...params, fold: index + 1 });
        const others = all.filter((one) => one !== index);
        return {
          fold: index + 1,
          folds,
          train: tableOf<C, "train">(contract, "train", assignment, { parts: others, split: id }),
          validation: tableOf<C, "validation">(contract, "validation", assignment, {
            parts: [index],
            split: id,
          }),
        };
      });
      const used = made.reduce((sum, { validation }) => sum + validation.rows, 0);
      const strata = yield* strataOf(dealt, names, { stratify, owner });
      yield* context.progress({ label: "rows", rows: used });
      yield* tell(contract, context, {
        title: `Folds of split ${split.slice(0, 15)}`,
        heads: ["fold", "validated on"],
        parts: made.map(({ fold, validation }) => ({ name: fold, rows: validation.rows })),
        strata,
        group,
        duplicates,
        repeated,
        left: data.rows - used,
        reasons,
      });
      return made;
    }, Effect.scoped),
  });
};

/** SQL: the rows of such a query, units in turn, stratum by stratum, larger ones first. */
const dealtSql = (drawn: string, folds: number, units: Pick<Units, "group">): string =>
  `WITH "~drawn" AS MATERIALIZED (${drawn})
   SELECT r.*, "~part" FROM "~drawn" AS r JOIN (
     SELECT "~unit", (row_number() OVER (ORDER BY "~stratum", "~n" DESC, "~unit") - 1) % ${folds} AS "~part"
     FROM ${sizesSql('"~drawn"', units)}) AS u ON r."~unit" = u."~unit"`;

/**
 * Folds as those of {@link kFold}, as a query for `~row` (a row's `file_row_number`) and `~part` (its fold,
 * from 0), for a stage that trains on all of them by itself. With `stratify`, each has its share of that column's values. `relation` is SQL, with `file_row_number`. Whole
 * groups are in one fold, rows without a group in none. Without groups each row is dealt out by itself, equal
 * ones too.
 *
 * @example
 * ```ts
 * import type { Contract } from "@ml-pipe/core";
 * import { Split } from "@ml-pipe/data";
 *
 * const folds = (contract: Contract.Contract, relation: string) =>
 *   Split.foldsSql(contract, relation, { folds: 5, seed: 0, stratify: "label" });
 * ```
 */
export const foldsSql = (
  contract: Contract.Contract,
  relation: string,
  options: { readonly folds: number; readonly seed: number; readonly stratify?: string },
): string => {
  const { folds, seed, stratify } = options;
  const { group } = contract.spec;
  const drawn =
    group === undefined
      ? `SELECT file_row_number AS "~row", ${drawSql(seed, "file_row_number")} AS "~unit",
          ${stratumSql(stratify)} AS "~stratum" FROM ${relation}`
      : unitsSql(contract, relation, { group, duplicates: "together", stratify, seed });
  return `SELECT "~row", "~part" FROM (${dealtSql(drawn, folds, { group })})`;
};

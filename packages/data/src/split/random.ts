/**
 * Splits at random: of rows, and of whole groups. What a row's part depends on is a hash of the row, or
 * of its group, so that the split is the same in any order of rows, on any number of threads.
 */
import { type Contract, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Table from "../Table.ts";
import { percent } from "../Words.ts";
import { drawSql, unitInterval } from "./hash.ts";
import { requireDisjointTables, rowsOfPart, splitId, writePart } from "./parts.ts";
import {
  type GivenReasons,
  givenReasons,
  type Grouped,
  type Reasons,
  requireOffered,
  type Ungrouped,
  type Unordered,
} from "./refusal.ts";
import { strataOf } from "./strata.ts";
import { tell } from "./told.ts";
import { type Duplicates, lawsOf, requireUnits, sizesSql, type Units, unitsSql } from "./units.ts";

/** Which share of the rows each part is to have; what remains is for training. */
export interface Shares {
  /** Above 0. */
  readonly validation: number;
  /** Above 0, and below 1 together with `validation`. */
  readonly test: number;
}

/** How a split by group is made. */
export interface ByGroupOptions<C extends Contract.Contract> extends Shares {
  /** Another seed gives another split; default 0. */
  readonly seed?: number;
  /**
   * The column of whose values each part is to have the same share. A group counts as what most of its
   * rows are.
   */
  readonly stratify?: keyof C["columns"] & string;
}

/** How a split at random is made. */
export interface RandomOptions<C extends Contract.Contract> extends ByGroupOptions<C> {
  /** What becomes of rows that are equal in all columns but those of the key. Default `together`. */
  readonly duplicates?: Duplicates;
}

/**
 * A stage that splits a table at random.
 *
 * A row's part follows from a hash of its key, or of all its columns if the contract has no key. Without
 * `stratify` nothing else matters: the row stays in its part when rows are added, and shares come out
 * close to what was asked for. With it, each part has its share of every value to less than one row, and
 * a few rows change their part when others are added.
 *
 * Equal rows are put into one part, so that none is judged on what was learnt by heart. A contract with
 * an event time or a group does not fit, by type: see {@link byTime}, {@link byGroup}.
 *
 * Fails with {@link EmptySplit} if a part has no rows, and with {@link OverlapError} if a key is in two.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Split } from "@ml-pipe/data";
 *
 * const Customer = Contract.make("customer", {
 *   version: "1", owner: "crm", key: ["id"],
 *   columns: { id: Column.string(), left: Column.boolean({ availableAt: "outcome" }) },
 * });
 * const split = Split.random(Customer, { validation: 0.2, test: 0.2, stratify: "left" });
 * ```
 */
export const random = <
  C extends Contract.Contract,
  const Time extends string | undefined = undefined,
  const Group extends string | undefined = undefined,
>(
  contract: C & Unordered<C, Time> & Ungrouped<C, Group>,
  options: RandomOptions<C> & Reasons<Time, Group>,
) => {
  const { ignoreEventTime, ignoreGroup, ...rest } = options;
  const reasons = givenReasons({ ignoreEventTime, ignoreGroup });
  requireOffered("split at random", contract, { time: false, group: false }, reasons);
  return make<C>("split at random", contract, rest, reasons);
};

/**
 * A stage that splits a table so that no group is in two parts: what is judged on the test part is then
 * about groups that were not trained on. Rows without a group are left out, which is a finding.
 *
 * A group's part follows from a hash of its name. Without `stratify` it stays in its part when rows or
 * groups are added, and shares come out close to what was asked for only if there are many groups. With
 * it, each part has its share of the rows of every value, to less than one group.
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
 * const split = Split.byGroup(Scan, { validation: 0.2, test: 0.2, stratify: "ill" });
 * ```
 */
export const byGroup = <
  C extends Contract.Contract,
  const Time extends string | undefined = undefined,
>(
  contract: C & Grouped<C> & Unordered<C, Time>,
  options: ByGroupOptions<C> & { readonly ignoreEventTime?: Time },
) => {
  const { ignoreEventTime, ...rest } = options;
  const reasons = givenReasons({ ignoreEventTime });
  requireOffered("split by group", contract, { time: false, group: true }, reasons);
  return make<C>("split by group", contract, rest, reasons, contract.spec.group);
};

const roles = ["train", "validation", "test"] as const;

const make = <C extends Contract.Contract>(
  name: string,
  contract: C,
  { validation, test, seed = 0, stratify, duplicates = "together" }: RandomOptions<C>,
  reasons: GivenReasons,
  group?: string,
) => {
  const units: Units = { group, duplicates, stratify, seed };
  requireShares(name, { validation, test });
  requireUnits(name, contract, units);
  const params = {
    by: group ?? "hash",
    seed,
    validation,
    test,
    ...(stratify === undefined ? {} : { stratify }),
    ...(group === undefined ? { duplicates } : {}),
    ...reasons,
  };
  const unit = group === undefined ? "row" : "group";
  const shareOf = { train: 1 - validation - test, validation, test };
  return Stage.make("split", {
    description: group === undefined ? "splits at random" : `splits by ${group}`,
    input: { data: Table.of(contract, "checked") },
    outputs: {
      train: Table.of(contract, "train"),
      validation: Table.of(contract, "validation"),
      test: Table.of(contract, "test"),
    },
    params,
    run: Effect.fnUntraced(function* ({ data }, context) {
      const relation = yield* Table.relation(data, { rowNumbers: true });
      const split = splitId(data, params);
      const drawn = unitsSql(contract, relation, units);
      const assigned = yield* Table.scratch(
        "put rows into parts",
        assignedSql(
          stratify === undefined ? `(${drawn})` : yield* Table.scratch("draw rows", drawn),
        ),
      );
      const write = <R extends (typeof roles)[number]>(role: R) =>
        writePart(contract, role, split, {
          from: rowsOfPart(relation, assigned, roles.indexOf(role)),
          empty: {
            because: `no ${unit} fell into its share of ${percent(shareOf[role])}`,
            next:
              stratify === undefined
                ? `Shares are exact with \`stratify\`; or ask for a larger one, or ingest more ${unit}s.`
                : `Ask for a larger share, or ingest more ${unit}s.`,
          },
        });
      const tables = {
        train: yield* write("train"),
        validation: yield* write("validation"),
        test: yield* write("test"),
      };
      const parts = roles.map((role) => tables[role]);
      const repeated = yield* requireDisjointTables(parts, lawsOf(contract, units));
      const used = parts.reduce((sum, { rows }) => sum + rows, 0);
      yield* context.progress({ label: "rows", rows: used });
      const strata = yield* strataOf(assigned, roles, { stratify, owner: contract.spec.owner });
      yield* tell(contract, context, {
        title: group === undefined ? "Split at random" : "Split by group",
        heads: ["role", "rows"],
        parts: roles.map((role) => ({ name: role, rows: tables[role].rows })),
        strata,
        group,
        duplicates,
        repeated: repeated.at(-1) ?? 0,
        left: data.rows - used,
        reasons,
      });
      return tables;
    }, Effect.scoped),
  });

  function assignedSql(drawn: string): string {
    const partAt = (at: string) =>
      `CASE WHEN ${at} < ${test} THEN ${roles.indexOf("test")}
        WHEN ${at} < ${test} + ${validation} THEN ${roles.indexOf("validation")}
        ELSE ${roles.indexOf("train")} END AS "~part"`;
    if (stratify === undefined) {
      return `SELECT *, ${partAt(unitInterval('"~unit"'))} FROM ${drawn}`;
    }
    // Units in the order in which they are drawn, each at its place among the rows of its stratum. The
    // first begins at a place drawn for the stratum, so that what is rounded evens out over strata.
    const offset = unitInterval(drawSql(seed, `coalesce('v' || "~stratum", 'n')`));
    const place = `(sum("~n") OVER ("~s" ORDER BY "~unit") - "~n" + ${offset} * "~n") / sum("~n") OVER "~s"`;
    return `SELECT r.*, "~part" FROM ${drawn} AS r JOIN (
        SELECT "~unit", ${partAt('"~place"')} FROM (
          SELECT "~unit", ${place} AS "~place" FROM ${sizesSql(drawn, units)}
          WINDOW "~s" AS (PARTITION BY "~stratum"))) AS u ON r."~unit" = u."~unit"`;
  }
};

/** Refuses shares that leave no part. Throws a `TypeError`. */
export const requireShares = (name: string, { validation, test }: Shares): void => {
  if (!(validation > 0 && test > 0 && validation + test < 1)) {
    throw new TypeError(
      `${name}: validation ${validation} and test ${test} leave nothing, or are nothing: give shares above 0 that together are below 1`,
    );
  }
};

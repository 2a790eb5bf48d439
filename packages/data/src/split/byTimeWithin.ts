/** A split by time within each group: the past of each trains, its latest rows judge. */
import { type Contract, type Finding, Stage } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { Duckdb, identifier } from "../Duckdb.ts";
import * as Table from "../Table.ts";
import { counted, percent } from "../Words.ts";
import { OverlapError } from "./errors.ts";
import { rowsOfPart, splitId, writePart } from "./parts.ts";
import { type Shares, requireShares } from "./random.ts";
import {
  type Dated,
  findingsOfReasons,
  findingsOfUnknown,
  givenReasons,
  requireOffered,
  type Ungrouped,
} from "./refusal.ts";

/** How a split by time within groups cuts. */
export interface ByTimeWithinOptions<C extends Contract.Contract> extends Shares {
  /** The column that names whose history is cut, such as the user. */
  readonly within: keyof C["columns"] & string;
}

const roles = ["train", "validation", "test"] as const;

/**
 * A stage that cuts the history of each user (or other group) by time: the latest share of its rows is
 * the test part, the share before that the validation part. Rows of one instant stay together. It is how
 * recommenders are judged that know each user from the past; a group that is to be new in the test part
 * is split by {@link byTimeAndGroup}.
 *
 * Groups whose rows cannot be cut, because too many of them share an instant, are trained on and not
 * judged. Rows without a group or a time are left out.
 *
 * The cut is another instant for each group, so that rows of others may be later than a test row. What is
 * learnt from those, such as what became popular, was not known then (Ji, Sun, Zhang & Li, ACM TOIS 41(3),
 * 2023): how many there are is a finding. {@link byTime} has no such rows, and fewer users to judge.
 *
 * @example
 * ```ts
 * import { Column, Contract } from "@ml-pipe/core";
 * import { Split } from "@ml-pipe/data";
 *
 * const Rating = Contract.make("rating", {
 *   version: "1", owner: "films", eventTime: "at",
 *   columns: { user: Column.string(), film: Column.string(), at: Column.timestamp() },
 * });
 * const split = Split.byTimeWithin(Rating, { within: "user", validation: 0.1, test: 0.2 });
 * ```
 */
export const byTimeWithin = <
  C extends Contract.Contract,
  const Group extends string | undefined = undefined,
>(
  contract: C & Dated<C> & Ungrouped<C, Group>,
  options: ByTimeWithinOptions<C> & { readonly ignoreGroup?: Group },
) => {
  const { ignoreGroup, within, validation, test } = options;
  const reasons = givenReasons({ ignoreGroup });
  const name = "split by time within groups";
  requireOffered(name, contract, { time: true, group: false }, reasons);
  requireShares(name, { validation, test });
  const { spec } = contract;
  if (spec.columns[within] === undefined) {
    throw new TypeError(`${name}: the contract "${spec.name}" has no column "${within}"`);
  }
  return make<C>(contract, { within, validation, test }, reasons);
};

const make = <C extends Contract.Contract>(
  contract: C,
  { within, validation, test }: ByTimeWithinOptions<C>,
  reasons: ReturnType<typeof givenReasons>,
) => {
  const column = contract.spec.eventTime ?? "";
  const params = { by: column, within, validation, test, ...reasons };
  return Stage.make("split", {
    description: `splits by ${column} within each ${within}`,
    input: { data: Table.of(contract, "checked") },
    outputs: {
      train: Table.of(contract, "train"),
      validation: Table.of(contract, "validation"),
      test: Table.of(contract, "test"),
    },
    params,
    run: Effect.fnUntraced(function* ({ data }, { exhibit, finding, progress }) {
      const relation = yield* Table.relation(data, { rowNumbers: true });
      const split = splitId(data, params);
      const assigned = yield* Table.scratch(
        `cut the history of each ${within}`,
        partsSql(relation, { column, within, validation, test }),
      );
      const write = <R extends (typeof roles)[number]>(role: R) =>
        writePart(contract, role, split, {
          from: rowsOfPart(relation, assigned, roles.indexOf(role)),
          empty: {
            because: `no ${within} has enough rows at different times for its share`,
            next: `Ask for a larger share, or ingest more rows of each ${within}.`,
          },
        });
      const tables = {
        train: yield* write("train"),
        validation: yield* write("validation"),
        test: yield* write("test"),
      };
      const figures = yield* prove(relation, assigned, { column, within });
      const used = roles.reduce((sum, role) => sum + tables[role].rows, 0);
      yield* progress({ label: "rows", rows: used });
      yield* exhibit({
        _tag: "table",
        title: `Split by time within each ${within}`,
        caption: [
          `${counted(figures.whole, within)} could not be cut and are not judged`,
          ...Object.values(reasons).map((reason) => `groups are not kept together: ${reason}`),
        ].join("; "),
        columns: ["role", "rows", "share", `of each ${within}`],
        rows: roles.map((role) => [
          role,
          tables[role].rows,
          percent(tables[role].rows / used),
          figures.groups[roles.indexOf(role)] ?? 0,
        ]),
      });
      yield* Effect.forEach(
        [
          ...findingsOfReasons(contract, reasons),
          ...findingsOfUnknown(contract, "time", figures.undated),
          ...unknownGroup(figures.alone, { within, owner: contract.spec.owner }),
          ...laterRows(figures, { within, rows: tables.train.rows, owner: contract.spec.owner }),
        ],
        finding,
      );
      return tables;
    }, Effect.scoped),
  });
};

interface By {
  readonly column: string;
  readonly within: string;
}

const timeOf = (column: string): string => `CAST(${identifier(column)} AS TIMESTAMP)`;

/** The part of each row: by the share of its group's rows that are not later. */
const partsSql = (relation: string, by: By & Shares): string => {
  const [group, time] = [identifier(by.within), timeOf(by.column)];
  const slack = 1e-12;
  const [train, validation] = [1 - by.validation - by.test + slack, 1 - by.test + slack];
  return `SELECT "~row", CASE WHEN min("~place") OVER (PARTITION BY "~group") > ${train} OR "~place" <= ${train} THEN 0
      WHEN "~place" <= ${validation} THEN 1 ELSE 2 END AS "~part"
    FROM (SELECT file_row_number AS "~row", ${group} AS "~group",
        cume_dist() OVER (PARTITION BY ${group} ORDER BY ${time}) AS "~place"
      FROM ${relation} WHERE ${group} IS NOT NULL AND ${time} IS NOT NULL)`;
};

/** That no group's part begins before the one before it ended; and what else the parts look like. */
const prove = Effect.fnUntraced(function* (
  relation: string,
  assigned: string,
  { column, within }: By,
) {
  const db = yield* Duckdb;
  const operation = `prove the split within each ${within}`;
  const rows = `(SELECT ${identifier(within)} AS g, epoch_us(${timeOf(column)}) AS t, "~part" AS part FROM ${relation} AS "~t" JOIN ${assigned} AS "~a" ON "~t".file_row_number = "~a"."~row")`;
  const [ends] = yield* db.rows(
    operation,
    `WITH rows AS MATERIALIZED (FROM ${rows}),
       parts AS (SELECT g, part, min(t) AS first, max(t) AS last FROM rows GROUP BY g, part),
       torn AS (SELECT a.g FROM parts a JOIN parts b ON a.g = b.g AND a.part < b.part AND a.last >= b.first)
     SELECT CAST((SELECT count(*) FROM torn) AS DOUBLE) AS torn,
       CAST((SELECT count(DISTINCT g) FROM rows WHERE part = 0) AS DOUBLE) AS g0,
       CAST((SELECT count(DISTINCT g) FROM rows WHERE part = 1) AS DOUBLE) AS g1,
       CAST((SELECT count(DISTINCT g) FROM rows WHERE part = 2) AS DOUBLE) AS g2,
       CAST((SELECT count(*) FROM (SELECT g FROM parts GROUP BY g HAVING max(part) = 0)) AS DOUBLE) AS "whole",
       (SELECT sum(test * later) / sum(test) FROM (
           SELECT test, sum(train) OVER (ORDER BY t DESC ROWS UNBOUNDED PRECEDING) - train AS later
           FROM (SELECT t, count_if(part = 0) AS train, count_if(part = 2) AS test FROM rows GROUP BY t))) AS later,
       CAST((SELECT count(*) FROM ${relation} WHERE ${timeOf(column)} IS NULL) AS DOUBLE) AS undated,
       CAST((SELECT count(*) FROM ${relation} WHERE ${identifier(within)} IS NULL) AS DOUBLE) AS alone`,
  );
  const of = (name: string) => Number(ends?.[name] ?? 0);
  if (of("torn") > 0) {
    return yield* new OverlapError({
      of: "time",
      columns: [within, column],
      count: of("torn"),
      examples: [],
      next: "This is a fault of the split: report it.",
    });
  }
  return {
    groups: [of("g0"), of("g1"), of("g2")],
    whole: of("whole"),
    later: of("later"),
    undated: of("undated"),
    alone: of("alone"),
  };
});

/** What others did later is in the train part: not known when a test row was decided. */
const laterRows = (
  { later }: { readonly later: number },
  {
    within,
    rows,
    owner,
  }: { readonly within: string; readonly rows: number; readonly owner: string },
): ReadonlyArray<Finding.Finding> => {
  const share = later / rows;
  if (share === 0) return [];
  return [
    {
      check: "split.later-rows",
      severity: "info",
      owner,
      expected: "train rows that are earlier than the test rows",
      found: `that ${percent(share)} of the train rows are later than a test row on average, each of another ${within}`,
      next: "What became popular since may be learnt from them. Compare with Split.byTime before you trust a small gain.",
    },
  ];
};

const unknownGroup = (
  rows: number,
  { within, owner }: { readonly within: string; readonly owner: string },
): ReadonlyArray<Finding.Finding> =>
  rows === 0
    ? []
    : [
        {
          check: `split.${within}-known`,
          severity: "warn",
          column: within,
          owner,
          expected: `a ${within} for every row`,
          found: `${counted(rows, "row")} without one, left out`,
          rows,
          next: `Find out why they have no ${within}.`,
        },
      ];

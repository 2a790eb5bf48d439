/** Writes what a validation hands on: the rows that fail with their reasons, and the others. */
import type { Contract } from "@ml-pipe/core";
import { Duckdb, Table } from "@ml-pipe/data";
import { asideOf, type Result } from "./Check.ts";

/** SQL that is true for rows that fail a check for which rows are set aside. */
export const anyFails = (results: ReadonlyArray<Result>): string => {
  const fails = results.flatMap(asideOf).map(({ fails }) => `coalesce(${fails}, false)`);
  return fails.length === 0 ? "false" : `(${fails.join(" OR ")})`;
};

/** A relation with rows that a search found, and the check whose they are. */
export interface Searched {
  readonly name: string;
  readonly relation: string;
}

/** The failing rows in the order of the source, each with all its reasons. */
export const quarantineSql = (
  contract: Contract.Contract,
  into: Contract.Contract,
  rows: string,
  results: ReadonlyArray<Result>,
  searched: ReadonlyArray<Searched>,
): string => {
  const names = Object.keys(contract.columns).map(Duckdb.identifier);
  const [row = "", reasons = ""] = Object.keys(into.columns)
    .slice(names.length)
    .map(Duckdb.identifier);
  const texts = results.flatMap(asideOf).flatMap(({ check, fails, found, search }) => {
    if (search !== undefined) return [];
    const expected = Duckdb.literal(`${check.name}: expected ${check.expected}, found `);
    return [`CASE WHEN ${fails} THEN ${expected} || coalesce(${found}, 'null') END`];
  });
  const own = `list_filter([${["NULL", ...texts].join(",\n    ")}], lambda reason : reason IS NOT NULL)`;
  const those = [
    "SELECT -1 AS row, 0 AS place, 'none' AS reason WHERE false",
    ...searched.map(
      ({ name, relation }, place) =>
        `SELECT row, ${place} AS place, ${Duckdb.literal(`${name}: `)} || reason FROM ${relation}`,
    ),
  ].join(" UNION ALL ");
  return [
    `WITH rows AS (${rows}),`,
    `searched AS (SELECT row AS "~of", list(reason ORDER BY place) AS "~why" FROM (${those}) GROUP BY row)`,
    `SELECT ${names.map((name) => `r.${name}`).join(", ")}, r."~row" AS ${row},`,
    `  CAST(to_json(list_concat(${own}, coalesce(d."~why", []))) AS VARCHAR) AS ${reasons}`,
    `FROM rows r LEFT JOIN searched d ON d."~of" = r."~row"`,
    `WHERE ${anyFails(results)} OR d."~of" IS NOT NULL`,
    `ORDER BY r."~row"`,
  ].join("\n");
};

/**
 * The rows that are not set aside, in the contract's types: by event time, then by all columns; without an
 * event time in the order in which they came, which may tell something.
 */
export const checkedSql = (
  contract: Contract.Contract,
  into: Contract.Contract,
  rows: string,
  quarantinePath: string | null,
): string => {
  const columns = Object.keys(contract.columns);
  const { eventTime } = contract.spec;
  const order = eventTime === undefined ? [] : [eventTime, ...columns].map(Duckdb.identifier);
  const row = Duckdb.identifier(Object.keys(into.columns)[columns.length] ?? "");
  const others =
    quarantinePath === null
      ? ""
      : ` ANTI JOIN ${Table.parquet(quarantinePath)} q ON r."~row" = q.${row}`;
  return [
    `WITH rows AS (${rows})`,
    `SELECT ${columns.map((name) => `r.${Duckdb.identifier(name)}`).join(", ")}`,
    `FROM rows r${others}`,
    `ORDER BY ${[...new Set(order), '"~row"'].map((name) => `r.${name}`).join(", ")}`,
  ].join("\n");
};

/**
 * Units: what a split at random never tears apart. A group; or rows that are equal in all but their key;
 * or a single row, known by its key.
 */
import type { Contract } from "@ml-pipe/core";
import { identifier } from "../Duckdb.ts";
import { whole } from "../Words.ts";
import { drawSql, hashSql, textSql } from "./hash.ts";
import { contentOf, type Law } from "./overlap.ts";

/**
 * What becomes of rows that are equal in all columns but those of the key:
 *
 * - `together`: all are kept, in one part
 * - `drop`: one of them is kept
 * - `apart`: each is a row of its own, for features so coarse that many rows are equal without being the
 *   same; needs a key
 */
export type Duplicates = "together" | "drop" | "apart";

/** What is kept together, and by what it is drawn. */
export interface Units {
  readonly group: string | undefined;
  readonly duplicates: Duplicates;
  readonly stratify: string | undefined;
  readonly seed: number;
}

/** Throws a `TypeError` where the contract has not what the units need. */
export const requireUnits = (
  split: string,
  { name, spec }: Contract.Contract,
  { group, duplicates, stratify, seed }: Units,
): void => {
  if (duplicates === "apart" && group === undefined && spec.key === undefined) {
    throw new TypeError(
      `${split}: rows of "${name}" have no key to be told apart by, if they are equal: name it in Contract.make, and keep it in FeatureSet.make`,
    );
  }
  if (stratify !== undefined && spec.columns[stratify] === undefined) {
    throw new TypeError(`${split}: the contract "${name}" has no column "${stratify}"`);
  }
  if (!Number.isSafeInteger(seed)) {
    throw new TypeError(`${split}: the seed ${seed} is not a whole number`);
  }
};

/** What may be in one part only. */
export const lawsOf = (
  contract: Contract.Contract,
  { group, duplicates }: Units,
): ReadonlyArray<Law> => {
  const { key } = contract.spec;
  return [
    ...(group === undefined ? [] : [{ of: "group", columns: [group] } as const]),
    ...(key === undefined ? [] : [{ of: "key", columns: key } as const]),
    ...(duplicates === "apart" ? [] : [{ of: "row", columns: contentOf(contract) } as const]),
  ];
};

/**
 * A query for the rows that are kept: `~row` (its number in the file), `~unit` (what its unit is drawn
 * by) and `~stratum` (a text, or null).
 */
export const unitsSql = (
  contract: Contract.Contract,
  relation: string,
  { group, duplicates, stratify, seed }: Units,
): string => {
  const { key } = contract.spec;
  const content = contentOf(contract);
  const unit = group === undefined ? (key ?? content) : [group];
  const rows = `SELECT file_row_number AS "~row", ${drawSql(seed, textSql(unit))} AS "~unit",
      ${stratumSql(stratify)} AS "~stratum"`;
  if (group !== undefined) return `${rows} FROM ${relation} WHERE ${identifier(group)} IS NOT NULL`;
  const withContent = `(${rows}, ${hashSql(content)} AS "~content" FROM ${relation})`;
  if (duplicates === "drop") {
    return `SELECT "~row", "~unit", "~stratum" FROM ${withContent}
      QUALIFY row_number() OVER (PARTITION BY "~content" ORDER BY "~unit", "~row") = 1`;
  }
  // Without a key, the unit is what the row's content is drawn by already.
  return duplicates === "apart" || key === undefined
    ? `${rows} FROM ${relation}`
    : `SELECT "~row", min("~unit") OVER (PARTITION BY "~content") AS "~unit", "~stratum" FROM ${withContent}`;
};

/** What rows are dealt out by; without a column all alike. */
export const stratumSql = (stratify: string | undefined): string =>
  `CAST(${stratify === undefined ? "NULL" : identifier(stratify)} AS VARCHAR)`;

/**
 * The units of such rows, each once: `~unit`, `~n` (its rows) and `~stratum` (that of most of its rows;
 * the last in order where several have as many). Rows that are together without being a group are equal,
 * so that any of them tells.
 */
export const sizesSql = (rows: string, { group }: Pick<Units, "group">): string =>
  group === undefined
    ? `(SELECT "~unit", CAST(count(*) AS DOUBLE) AS "~n", min("~stratum") AS "~stratum" FROM ${rows} GROUP BY "~unit")`
    : `(SELECT "~unit", CAST(sum(n) AS DOUBLE) AS "~n", max({n: n, s: s}).s AS "~stratum"
    FROM (SELECT "~unit", "~stratum" AS s, count(*) AS n FROM ${rows} GROUP BY ALL)
    GROUP BY "~unit")`;

/** What became of equal rows, in words. */
export const duplicatesText = (
  duplicates: Duplicates,
  repeated: number,
  left: number,
): ReadonlyArray<string> => {
  switch (duplicates) {
    case "together":
      return [`${whole(repeated)} rows are equal to another and are in its part`];
    case "drop":
      return [`${whole(left)} rows are equal to another and are left out`];
    case "apart":
      return ["rows that are equal to another are split like any other"];
  }
};

/**
 * Hashes of rows in SQL: what decides at random which part a row is in. The same values give the same
 * hash in any order of rows, on any number of threads, whatever other rows there are.
 */
import { identifier, literal } from "../Duckdb.ts";

/** The values of columns as one text, from which each can be told. */
export const textSql = (columns: ReadonlyArray<string>): string => {
  const values = columns.map((column) => {
    const value = `CAST(${identifier(column)} AS VARCHAR)`;
    return `coalesce(length(${value}) || ':' || ${value}, '-')`;
  });
  return `concat(${values.join(", ")})`;
};

/** A hash of 128 bits of the values of columns: equal for equal values only. */
export const hashSql = (columns: ReadonlyArray<string>): string =>
  `md5_number(${textSql(columns)})`;

/** A hash of 64 bits of a text, by which rows are drawn. */
export const drawSql = (seed: number, text: string): string =>
  `CAST(md5_number(concat(${literal(`${seed}/`)}, ${text})) >> 64 AS UBIGINT)`;

/** What {@link drawSql} gives as a number in [0, 1), with the 53 bits that a double holds. */
export const unitInterval = (draw: string): string =>
  `(CAST(${draw} >> 11 AS DOUBLE) / CAST(${2 ** 53} AS DOUBLE))`;

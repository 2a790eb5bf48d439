/** What a check is to the scan: aggregates to ask for, and a judgement of their values. */
import type { Finding } from "@ml-pipe/core";

/** The outcome of one check. */
export interface Judged {
  readonly outcome: "passed" | "failed" | "could not run";
  readonly found: string;
  /** Rows that fail it. */
  readonly rows?: number;
  /** Row numbers of the first of them. */
  readonly sample?: ReadonlyArray<number>;
}

/** One check of a table. */
export interface Check {
  readonly name: string;
  readonly column?: string;
  readonly expected: string;
  /** Severity of its finding if it fails. */
  readonly severity: Finding.Severity;
  /** SQL aggregates over the rows; equal ones are computed once. */
  readonly asks: ReadonlyArray<string>;
  /** Judges the values of {@link asks}. */
  readonly judge: (values: ReadonlyArray<unknown>) => Judged;
  /** Rows that fail it are set aside: how to tell them, and what to say of them. Both are SQL. */
  readonly quarantine?: { readonly fails: string; readonly found: string };
}

/** A check that cannot run, and why. */
export const blocked = (
  check: Pick<Check, "name" | "column" | "expected">,
  severity: Finding.Severity,
  why: string,
): Check => ({
  ...check,
  severity,
  asks: [],
  judge: () => ({ outcome: "could not run", found: `could not run: ${why}` }),
});

/** How many row numbers a finding names. */
export const sampleSize = 5;

/** The aggregate that gives the first rows for which `fails` is true. */
export const sampleSql = (fails: string): string =>
  `min("~row", ${sampleSize}) FILTER (WHERE ${fails})`;

/** The row numbers in a list that came from DuckDB. */
export const rowNumbers = (value: unknown): ReadonlyArray<number> =>
  Array.isArray(value) ? value.map(Number) : [];

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
  /** What to do, where that is more than to ask the owner. */
  readonly next?: string;
}

/** How single rows fail a check. */
export interface RowsThatFail {
  /** SQL, over the canonical rows: true for a row that fails. */
  readonly fails: string;
  /** SQL: text of what was found in it. */
  readonly found: string;
  /** Whether such rows are set aside. */
  readonly aside: boolean;
  /** Shows one of the values in the finding. */
  readonly example: boolean;
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
  /** Absent if the check is about the table as a whole. */
  readonly rows?: RowsThatFail;
}

/** A check that cannot run, and why. */
export const blocked = (
  check: Pick<Check, "name" | "column" | "expected">,
  severity: Finding.Severity,
  why: string,
): Check => ({ ...check, severity, asks: [], judge: () => couldNotRun(why) });

/** The outcome of a check that could not run. */
export const couldNotRun = (why: string): Judged => ({
  outcome: "could not run",
  found: `could not run: ${why}`,
});

/** The rows that fail a check, if their rows are set aside. */
export const asideOf = (check: Check): ReadonlyArray<RowsThatFail & { readonly check: Check }> =>
  check.rows?.aside === true ? [{ ...check.rows, check }] : [];

/** How many row numbers a finding names. */
export const sampleSize = 5;

/** The row numbers in a list that came from DuckDB. */
export const rowNumbers = (value: unknown): ReadonlyArray<number> =>
  Array.isArray(value) ? value.map(Number) : [];

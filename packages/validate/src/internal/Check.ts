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

/** An aggregate in SQL: over the canonical rows, or over a relation made of them, which is a pass more. */
export type Ask = string | Elsewhere;

/** An aggregate over another relation. */
interface Elsewhere {
  readonly from: string;
  readonly sql: string;
  /** The canonical rows of a reference, which stand for those of the table. */
  readonly rows?: string;
}

/** The same aggregate of a reference, whose canonical rows are given. */
export const askOf = (ask: Ask, rows: string): Elsewhere =>
  typeof ask === "string" ? { from: "rows", sql: ask, rows } : { ...ask, rows };

/** How single rows fail a check. */
export interface RowsThatFail {
  /** SQL, over the canonical rows: true for a row that fails. */
  readonly fails: string;
  /** SQL: text of what was found in it. */
  readonly found: string;
  /** Whether such rows are set aside, if the check fails. */
  readonly aside: boolean;
  /** Shows one of the values in the finding. */
  readonly example: boolean;
  /**
   * For rows that only a comparison with others finds, in place of {@link fails}: SQL with `row`, its
   * number, and `reason`. `rows` is a relation of the canonical rows, `failed` is true for a row that
   * another check sets aside.
   */
  readonly search?: (failed: string) => string;
}

/** One check of a table. */
export interface Check {
  readonly name: string;
  readonly column?: string;
  readonly expected: string;
  /** Severity of its finding if it fails. */
  readonly severity: Finding.Severity;
  /** The team that answers for it, if not the contract's owner. */
  readonly owner?: string;
  /** Why it matters. */
  readonly description?: string;
  /** The share of the rows that must pass; below it the hand-over stops. */
  readonly mostly?: number;
  /** Equal aggregates are computed once. */
  readonly asks: ReadonlyArray<Ask>;
  /** Judges the values of {@link asks}; `searched`: the number of rows that its search found. */
  readonly judge: (values: ReadonlyArray<unknown>, searched?: number) => Judged;
  /** Absent if the check is about the table as a whole. */
  readonly rows?: RowsThatFail;
}

/** A check and its outcome. */
export interface Result {
  readonly check: Check;
  readonly judged: Judged;
}

/** A check that cannot run, and why. */
export const blocked = (
  check: Pick<Check, "name" | "column" | "expected" | "owner" | "description">,
  severity: Finding.Severity,
  why: string,
): Check => ({ ...check, severity, asks: [], judge: () => couldNotRun(why) });

/** The outcome of a check that could not run. */
export const couldNotRun = (why: string): Judged => ({
  outcome: "could not run",
  found: `could not run: ${why}`,
});

/** How the rows fail a check, if they are to be set aside. */
export const asideOf = ({
  check,
  judged,
}: Result): ReadonlyArray<RowsThatFail & { readonly check: Check }> =>
  check.rows?.aside === true && judged.outcome === "failed" ? [{ ...check.rows, check }] : [];

/** How many row numbers a finding names. */
export const sampleSize = 5;

/** The row numbers in a list that came from DuckDB. */
export const rowNumbers = (value: unknown): ReadonlyArray<number> =>
  Array.isArray(value) ? value.map(Number) : [];

/**
 * Findings: what a check found. A check that could not run is a finding too, never a pass.
 */
import * as Schema from "effect/Schema";

/** `fail` stops the hand-over unless a policy says otherwise; `warn` and `info` are shown. */
export const Severity = Schema.Literals(["fail", "warn", "info"]);
/** See {@link Severity}. */
export type Severity = typeof Severity.Type;

/** One result of a check that did not simply pass, in words for the person who must act on it. */
export const Finding = Schema.Struct({
  /** Name of the check, such as `delay.not-null`. */
  check: Schema.String,
  severity: Severity,
  column: Schema.optionalKey(Schema.String),
  /** The team that answers for it: the contract's owner. */
  owner: Schema.optionalKey(Schema.String),
  expected: Schema.String,
  found: Schema.String,
  /** Number of rows concerned, where the check is about rows. */
  rows: Schema.optionalKey(Schema.Int),
  /** Row numbers in the source (from 0) of the first rows concerned. */
  sample: Schema.optionalKey(Schema.Array(Schema.Int)),
  /** What to do next. */
  next: Schema.String,
});
/** See {@link Finding}. */
export type Finding = typeof Finding.Type;

/**
 * One line of text for a finding.
 *
 * @example
 * ```ts
 * import { Finding } from "@ml-pipe/core";
 *
 * const line: string = Finding.toLine({
 *   check: "delay.range", severity: "warn", expected: "at most 2880 min", found: "3 rows above", next: "ask the owner",
 * });
 * ```
 */
export const toLine = (finding: Finding): string => {
  const owner = finding.owner === undefined ? "" : ` [${finding.owner}]`;
  return `${finding.severity} ${finding.check}: expected ${finding.expected}, found ${finding.found}${owner}. ${finding.next}`;
};

/** What a validation tells: findings, and the summary of all checks. */
import type { Contract, Exhibit, Finding } from "@ml-pipe/core";
import type { Result } from "./Check.ts";
import { freeName } from "./names.ts";
import { shareText } from "./words.ts";

/** The finding of a check that did not simply pass. Rows within the policy warn: they are set aside. */
export const findingOf = (
  { check, judged }: Result,
  {
    owner: contractOwner,
    withinPolicy,
  }: { readonly owner: string; readonly withinPolicy: boolean },
): ReadonlyArray<Finding.Finding> => {
  if (judged.outcome === "passed") return [];
  const { owner = contractOwner } = check;
  const aside =
    check.rows?.aside === true &&
    check.mostly === undefined &&
    judged.outcome === "failed" &&
    withinPolicy;
  // No row can fail a check that could not run on any: it does not stop the hand-over by itself.
  const idle = check.rows?.aside === true && judged.outcome === "could not run";
  const why = check.description === undefined ? "" : ` ${check.description}`;
  const next = aside
    ? `They are quarantined; send them to ${owner}.`
    : judged.outcome === "could not run"
      ? `Ask ${owner} for data on which it can run, or drop the check from the contract together with them.`
      : (judged.next ?? `Ask ${owner} to deliver data that keeps the contract.`);
  const finding: Finding.Finding = {
    check: check.name,
    severity: aside || idle ? "warn" : check.severity,
    ...(check.column === undefined ? {} : { column: check.column }),
    owner,
    expected: check.expected,
    found: judged.found,
    ...(judged.rows === undefined ? {} : { rows: judged.rows }),
    ...(judged.sample === undefined ? {} : { sample: [...judged.sample] }),
    next: `${next}${why}`,
  };
  return [finding];
};

/** Every check with its outcome, also those that passed. */
export const summary = (
  results: ReadonlyArray<Result>,
  { atMost, passes }: { readonly atMost: number; readonly passes: number },
): Exhibit.Exhibit => {
  const passed = results.filter(({ judged }) => judged.outcome === "passed").length;
  return {
    _tag: "table",
    title: "Checks",
    caption: `${passed} of ${results.length} checks passed, in ${passes} ${passes === 1 ? "pass" : "passes"} over the rows`,
    columns: ["check", "expected", "found", "outcome", "rows", "threshold"],
    rows: results.map((result) => [
      result.check.name,
      result.check.expected,
      result.judged.found,
      result.judged.outcome,
      result.judged.rows ?? null,
      thresholdOf(result, atMost),
    ]),
  };
};

/** What a check does if it fails. */
const thresholdOf = ({ check }: Result, atMost: number): string => {
  const { severity, mostly } = check;
  if (severity !== "fail") return severity === "warn" ? "warns" : "tells";
  if (check.rows?.aside !== true) return "stops";
  return mostly === undefined
    ? `quarantines; stops if more than ${shareText(atMost, 1)} of the rows fail`
    : `stops if more than ${shareText(1 - mostly, 1)} of the rows fail it`;
};

/** The contract of the rows that a contract's validation sets aside: see `Validate.quarantineOf`. */
export const quarantineSpec = ({ spec }: Contract.Contract): Contract.ContractSpec => {
  const free = freeName(Object.keys(spec.columns));
  const columns = Object.entries(spec.columns).map(
    ([name, { min: _min, max: _max, values: _values, pattern: _pattern, ...column }]) =>
      [name, { ...column, nullable: true }] as const,
  );
  return {
    name: `${spec.name}-quarantine`,
    version: spec.version,
    owner: spec.owner,
    consumers: [],
    description: `rows that break the contract ${spec.name}, and why`,
    columns: {
      ...Object.fromEntries(columns),
      [free("row")]: {
        type: "int",
        availableAt: "decision",
        nullable: false,
        description: "row number in the source, from 0",
      },
      [free("reasons")]: {
        type: "string",
        availableAt: "decision",
        nullable: false,
        description: "all reasons, as a JSON array of text",
      },
    },
  };
};

/** What a comparison of a column with its reference tells. */
import type { Finding } from "@ml-pipe/core";
import { type DriftReport, Words } from "@ml-pipe/data";

/** The finding of a column that drifted, or that could not be compared. */
export const driftFinding = (
  drift: DriftReport.ColumnDrift,
  told: { readonly check: string; readonly severity: Finding.Severity; readonly owner: string },
): Finding.Finding => {
  const { check, severity, owner } = told;
  const idle = drift.outcome === "could not run";
  return {
    check,
    column: drift.column,
    severity: idle ? "warn" : severity,
    owner,
    expected: expectedOf(drift),
    found: foundIn(drift),
    next: idle
      ? "Leave the column out of the comparison on purpose, or compare it where there are more rows."
      : `Ask ${owner} whether something changed at the source; if the change is here to stay, take newer data as the reference and train again.`,
  };
};

/** What was found in a column, and what was expected, in one line. */
export const driftText = (drift: DriftReport.ColumnDrift): string =>
  `${foundIn(drift)}, ${expectedOf(drift)}`;

const expectedOf = ({ method, atMost }: DriftReport.ColumnDrift): string =>
  `a distance (${method}) of at most ${Words.number(atMost)} from the reference`;

const foundIn = ({
  why,
  distance,
  nulls: [before, now],
  newValues,
}: DriftReport.ColumnDrift): string =>
  [
    why === undefined ? Words.number(distance ?? 0) : `could not run: ${why}`,
    ...(before === now ? [] : [`nulls ${Words.percent(before)} before, ${Words.percent(now)} now`]),
    ...(newValues === null || newValues === 0 ? [] : [Words.counted(newValues, "new value")]),
  ].join("; ");

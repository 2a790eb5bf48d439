/** What the monitor could not judge: never a silent pass. */
import type { Charter, Finding } from "@ml-pipe/core";
import { Words } from "@ml-pipe/data";
import type { Monitoring, MonitoredDay } from "../Monitoring.ts";

/** The limits behind the findings. */
export interface FindingOptions {
  readonly charter: Pick<Charter.Charter, "digest" | "spec">;
  readonly releaseCharter: string;
  readonly owner: string;
  readonly minRows: number;
  readonly minKnownShare: number;
}

/** All findings about a monitoring. */
export const findingsOf = (
  { days, rows, undated, release, windowDays }: Monitoring,
  options: FindingOptions,
): ReadonlyArray<Finding.Finding> => {
  const { charter, owner, minRows, minKnownShare } = options;
  const found: Array<Finding.Finding> = [];
  if (options.releaseCharter !== charter.digest) {
    found.push({
      check: "monitor.charter",
      severity: "warn",
      expected: "the charter that the release was made for",
      found: `another version of the charter "${charter.spec.title}" than that of ${release}`,
      next: "Costs are those of the charter given here; release again if they changed.",
    });
  }
  if (undated > 0) {
    found.push({
      check: "monitor.decision-time",
      severity: "warn",
      owner,
      expected: "a decision time in every live row",
      found: `${Words.counted(undated, "row")} without, left out`,
      rows: undated,
      next: "Validate the live table against its contract.",
    });
  }
  if (rows === 0) {
    found.push({
      check: "monitor.live",
      severity: "fail",
      owner,
      expected: "live decisions to watch",
      found: "an empty live table, so nothing about the release is known",
      rows: 0,
      next: "Check that decisions are logged and that the live period has begun.",
    });
    return found;
  }
  const small = days.filter((day) => !day.driftJudged);
  if (small.length > 0) {
    found.push({
      check: "monitor.rows",
      severity: "warn",
      owner,
      expected: `at least ${Words.counted(minRows, "row")} a day`,
      found: `${Words.counted(small.length, "day")} with fewer, not judged: ${listed(small, (day) => `${day.day} (${day.rows})`)}`,
      rows: small.reduce((sum, day) => sum + day.rows, 0),
      next: "Find out whether decisions were lost or not made; lower minRows if so few are usual.",
    });
  }
  const absent = absentDays(days);
  if (absent.length > 0) {
    found.push({
      check: "monitor.days",
      severity: "warn",
      owner,
      expected: "decisions on every day of the live period",
      found: `none on ${listed(absent, (day) => day)}`,
      next: "Find out whether decisions were lost or not made.",
    });
  }
  const unknown = days.filter((day) => day.driftJudged && !day.costJudged);
  if (unknown.length > 0) {
    found.push({
      check: "monitor.outcomes",
      severity: "info",
      owner,
      expected: `the outcome of at least ${Words.percent(minKnownShare)} of a day's decisions, and of ${whole(minRows)}`,
      found: `fewer on ${Words.counted(unknown.length, "day")}, whose cost is not judged: ${listed(unknown, (day) => `${day.day} (${day.labelled} of ${day.rows})`)}`,
      rows: unknown.reduce((sum, day) => sum + day.rows - day.labelled, 0),
      next: "Wait until the outcomes are known; if they should be by now, ask the owner.",
    });
  }
  const warming = days.filter(({ features }) => features.some((one) => one.windowPsi === null));
  if (warming.length > 0) {
    found.push({
      check: "monitor.window",
      severity: "info",
      expected: `${Words.counted(windowDays, "day")} of live data for the trailing window`,
      found: `fewer on the first ${Words.counted(warming.length, "day")}, where only sudden drift is judged`,
      next: "Nothing to do.",
    });
  }
  return found;
};

const { whole } = Words;

const listed = <A>(items: ReadonlyArray<A>, text: (item: A) => string): string => {
  const more = items.length > 10 ? `, and ${items.length - 10} more` : "";
  return `${items.slice(0, 10).map(text).join(", ")}${more}`;
};

const absentDays = (days: ReadonlyArray<MonitoredDay>): ReadonlyArray<string> => {
  const present = new Set(days.map(({ day }) => day));
  const [first, last] = [days[0]?.day, days.at(-1)?.day];
  const absent: Array<string> = [];
  if (first === undefined || last === undefined) return absent;
  const end = new Date(last).getTime();
  for (let at = new Date(first).getTime(); at < end; at += 86_400_000) {
    const day = new Date(at).toISOString().slice(0, 10);
    if (!present.has(day)) absent.push(day);
  }
  return absent;
};

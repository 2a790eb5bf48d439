/** What both directions must agree on. */

/** The version of the standard that is written. */
export const apiVersion = "v3.1.0";

/** Who evaluates the expectations that the standard has no metric for. */
export const engine = "ml-pipe";

/** Custom properties, by what they hold. */
export const custom = {
  eventTime: "eventTime",
  knownAt: "knownAt",
  label: "label",
  group: "group",
  /** Present and empty where a contract says that it has none. */
  expectations: "expectations",
  availableAt: "availableAt",
  unit: "unit",
  renamedFrom: "renamedFrom",
  /** On a quality rule: the expectation itself. */
  check: "mlPipeCheck",
} as const;

/** Units of time that a duration may have, in milliseconds, from the largest. */
export const timeUnits: ReadonlyArray<readonly [unit: string, millis: number]> = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
  ["ms", 1],
];

/** How serious a broken rule is, in the words of the standard's examples. */
export const severities = { fail: "error", warn: "warning", info: "info" } as const;

import { fileURLToPath } from "node:url";

/** A place in a source file: 1-based line and column. */
export interface CallSite {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Where `callee` was called from, if the stack tells. */
export const callSite = (callee: (...args: never) => unknown): CallSite | undefined =>
  callSites(callee, 1)[0];

/**
 * The calls that led to `callee`, the innermost first: from the module that was being loaded, if one
 * was, without whoever loaded it and without Node itself.
 */
export const callSites = (
  callee: (...args: never) => unknown,
  atMost = 40,
): ReadonlyArray<CallSite> => {
  const usual = Error.stackTraceLimit;
  const holder: { stack?: string } = {};
  Error.stackTraceLimit = atMost;
  Error.captureStackTrace(holder, callee);
  const stack = holder.stack ?? "";
  Error.stackTraceLimit = usual;
  const lines = stack.split("\n").slice(1);
  const loader = lines.findIndex((line) => line.includes("node:internal/modules/"));
  return lines.slice(0, loader < 0 ? undefined : loader).flatMap(placeOf);
};

const placeOf = (line: string): ReadonlyArray<CallSite> => {
  const frame = line.replace(/^\s*at\s+(async\s+)?/, "");
  const match = /^(?:.*\()?(.+):(\d+):(\d+)\)?$/.exec(frame);
  const [, place, row, column] = match ?? [];
  if (place === undefined || place.startsWith("node:")) return [];
  const file = place.startsWith("file://") ? fileURLToPath(place.replace(/\?.*$/, "")) : place;
  return [{ file, line: Number(row), column: Number(column) }];
};

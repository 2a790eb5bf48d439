import { fileURLToPath } from "node:url";

/** A place in a source file: 1-based line and column. */
export interface CallSite {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Where `callee` was called from, if the stack tells. */
export const callSite = (callee: (...args: never) => unknown): CallSite | undefined => {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callee);
  const frame = (holder.stack?.split("\n")[1] ?? "").replace(/^\s*at\s+(async\s+)?/, "");
  const match = /^(?:.*\()?(.+):(\d+):(\d+)\)?$/.exec(frame);
  const [, place, line, column] = match ?? [];
  if (place === undefined || place.startsWith("node:")) return undefined;
  const file = place.startsWith("file://") ? fileURLToPath(place.replace(/\?.*$/, "")) : place;
  return { file, line: Number(line), column: Number(column) };
};

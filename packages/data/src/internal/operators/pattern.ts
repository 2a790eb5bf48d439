/**
 * Regular expressions in the syntax of RE2, which DuckDB has too: no look-around, no back-references,
 * and a match in time linear in the text, whatever the pattern.
 */
import { RE2JS } from "re2js";
import type { Param } from "./Operator.ts";

const compiled = new Map<string, RE2JS>();

/** A pattern, compiled once. Throws if it is none. */
export const pattern = (regex: string): RE2JS => {
  const found = compiled.get(regex) ?? RE2JS.compile(regex);
  compiled.set(regex, found);
  return found;
};

/** What is wrong with a pattern as an operator's only constant, or with asking it for a group. */
export const problemOfPattern = (params: ReadonlyArray<Param>, group = 0): string | undefined => {
  const [regex] = params;
  if (params.length !== 1 || typeof regex !== "string") return "takes a pattern";
  try {
    const groups = pattern(regex).groupCount();
    return group > groups ? `asks for group ${group} of a pattern that has ${groups}` : undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `takes a regular expression of RE2 (no look-around, no back-references): ${why}`;
  }
};

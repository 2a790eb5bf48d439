/** Whether the version of a contract says what a change of it means. */
import type { Change, ChangeKind } from "./change.ts";
import { diff } from "./diff.ts";
import type { ContractSpec } from "./spec.ts";

/** How much a version number must move, by Semantic Versioning 2.0.0. */
export type Bump = "none" | "patch" | "minor" | "major";

const ranks: ReadonlyArray<Bump> = ["none", "patch", "minor", "major"];

/**
 * How much the version must move for some changes: `major` if one breaks somebody, `patch` if only
 * words differ, else `minor`. Before 1.0.0 each is one step less.
 *
 * @example
 * ```ts
 * import { Contract } from "@ml-pipe/core";
 *
 * const bump = Contract.bumpOf([]); // "none"
 * ```
 */
export const bumpOf = (changes: ReadonlyArray<Change>): Bump => {
  const told = changes.filter(({ kind }) => kind !== "version");
  if (told.some(({ kind, breaks }) => breaks.length > 0 && !ofPeople.has(kind))) return "major";
  if (told.some(({ kind }) => kind !== "description")) return "minor";
  return told.length > 0 ? "patch" : "none";
};

/** Who owns and who reads needs their word, and changes no data. */
const ofPeople: ReadonlySet<ChangeKind> = new Set(["owner", "consumers"]);

/**
 * What is wrong with the version of a contract after a change, in words; undefined if it says what the
 * change means.
 *
 * @example
 * ```ts
 * import { Contract } from "@ml-pipe/core";
 *
 * const problemAfter = (before: Contract.ContractSpec, after: Contract.ContractSpec) =>
 *   Contract.versionProblem(before, after); // "it breaks consumers: make the version 2.0.0 …"
 * ```
 */
export const versionProblem = (before: ContractSpec, after: ContractSpec): string | undefined => {
  const changes = diff(before, after);
  if (changes.length === 0) return undefined;
  const [was, is] = [parse(before.version), parse(after.version)];
  if (is === undefined) return `"${after.version}" is no version such as 1.2.0`;
  if (was === undefined) return undefined;
  const needed = bumpOf(changes);
  const rank = ranks.indexOf(needed) - (was[0] === 0 && needed !== "none" ? 1 : 0);
  const least = ranks[Math.max(rank, needed === "none" ? 0 : 1)] ?? needed;
  const moved = bumpFrom(was, is);
  if (moved === undefined) {
    return `version ${after.version} comes before ${before.version}: make it ${bumped(was, least)}`;
  }
  if (ranks.indexOf(moved) >= ranks.indexOf(least)) return undefined;
  const why: { readonly [bump in Bump]: string } = {
    none: "nothing changed",
    patch: "its words changed",
    minor: "it changed in a compatible way",
    major: `it breaks ${[...new Set(changes.flatMap(({ breaks }) => breaks))].toSorted().join(" and ")}`,
  };
  return `${why[needed]}: make the version ${bumped(was, least)} or later, not ${after.version}`;
};

type Numbers = readonly [major: number, minor: number, patch: number];

const parse = (version: string): Numbers | undefined => {
  const match = /^(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:[-+][0-9A-Za-z.+-]*)?$/.exec(version);
  return match === null
    ? undefined
    : [Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0)];
};

/** Undefined if it went back. */
const bumpFrom = (was: Numbers, is: Numbers): Bump | undefined => {
  const place = was.findIndex((number, index) => number !== is[index]);
  if (place < 0) return "none";
  if ((is[place] ?? 0) < (was[place] ?? 0)) return undefined;
  return ranks[3 - place];
};

const bumped = ([major, minor, patch]: Numbers, by: Bump): string => {
  switch (by) {
    case "major":
      return `${major + 1}.0.0`;
    case "minor":
      return `${major}.${minor + 1}.0`;
    case "patch":
      return `${major}.${minor}.${patch + 1}`;
    case "none":
      return `${major}.${minor}.${patch}`;
  }
};

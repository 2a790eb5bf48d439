/**
 * Which split a contract offers, by type: with an event time by time, with a group by group. Whoever
 * has a reason to do otherwise gives it, and it is recorded.
 */
import type { Contract, Finding } from "@ml-pipe/core";
import { counted } from "../Words.ts";

/** Stands where no argument fits; the compiler shows its reason. */
export interface Refused<out Reason extends string> {
  readonly "~refused": Reason;
}

/** A contract that may be split without regard to time: none with an event time, unless for a reason. */
export type Unordered<C extends Contract.Contract, Reason> = [C["eventTime"]] extends [undefined]
  ? unknown
  : [Reason] extends [string]
    ? unknown
    : Refused<"rows with an event time are split by time: use Split.byTime or Split.rollingOrigin, or give a reason in ignoreEventTime">;

/** A contract that may be split without regard to groups: none with a group, unless for a reason. */
export type Ungrouped<C extends Contract.Contract, Reason> = [C["group"]] extends [undefined]
  ? unknown
  : [Reason] extends [string]
    ? unknown
    : Refused<"rows that belong to a group are split by group: use Split.byGroup or Split.byTimeAndGroup, or give a reason in ignoreGroup">;

/** A contract that can be split by time. */
export type Dated<C extends Contract.Contract> = [C["eventTime"]] extends [string]
  ? unknown
  : Refused<"the contract has no event time to split by: name it in Contract.make, or decidedAt in FeatureSet.make">;

/** A contract that can be split by group. */
export type Grouped<C extends Contract.Contract> = [C["group"]] extends [string]
  ? unknown
  : Refused<"the contract has no group to split by: name it in Contract.make">;

/** Why a split does without what the contract has. */
export interface Reasons<
  Time extends string | undefined = string | undefined,
  Group extends string | undefined = string | undefined,
> {
  /** Why rows with an event time are split at random. Shown with the split, and a finding. */
  readonly ignoreEventTime?: Time;
  /** Why a group may be in two parts. Shown with the split, and a finding. */
  readonly ignoreGroup?: Group;
}

/** The reasons that were given, by option. */
export type GivenReasons = { readonly [option: string]: string };

/** Leaves out the options without a reason. */
export const givenReasons = (options: {
  readonly [option in keyof Reasons]: string | undefined;
}): GivenReasons =>
  Object.fromEntries(
    Object.entries(options).flatMap(([option, reason]) =>
      reason === undefined ? [] : [[option, reason]],
    ),
  );

/** What a kind of split respects of a contract. */
type Respects = { readonly time: boolean; readonly group: boolean };

/** What the types say too, for definitions that were cast. Throws a `TypeError` where they are made. */
export const requireOffered = (
  split: string,
  { name, spec }: Contract.Contract,
  respects: Respects,
  reasons: GivenReasons,
): void => {
  const refuse = (problem: string) => {
    throw new TypeError(`${split}: ${problem}`);
  };
  for (const [option, reason] of Object.entries(reasons)) {
    if (reason.trim() === "") refuse(`${option} says no reason`);
  }
  if (respects.time) {
    if (spec.eventTime === undefined) refuse(`the contract "${name}" has no event time`);
  } else if (spec.eventTime !== undefined && reasons["ignoreEventTime"] === undefined) {
    refuse(
      `the contract "${name}" has an event time: split by time, or say why not in ignoreEventTime`,
    );
  }
  if (respects.group) {
    if (spec.group === undefined) refuse(`the contract "${name}" has no group`);
  } else if (spec.group !== undefined && reasons["ignoreGroup"] === undefined) {
    refuse(`the contract "${name}" has a group: split by group, or say why not in ignoreGroup`);
  }
};

/** A row without a group or a time cannot be put where it belongs, so it is left out. */
export const findingsOfUnknown = (
  { spec }: Contract.Contract,
  what: "group" | "time",
  rows: number,
): ReadonlyArray<Finding.Finding> => {
  const column = what === "group" ? spec.group : spec.eventTime;
  if (rows === 0 || column === undefined) return [];
  return [
    {
      check: `split.${what}-known`,
      severity: "warn",
      column,
      owner: spec.owner,
      expected: `a ${column} for every row`,
      found: `${counted(rows, "row")} without one, left out`,
      rows,
      next:
        what === "group"
          ? `Find out why they have no ${column}: if each is a group of its own, give it a name of its own.`
          : `Find out why they have no ${column}, and whether they differ from the others.`,
    },
  ];
};

/** A reason is a finding, so that whoever reads the report sees it. */
export const findingsOfReasons = (
  { spec }: Contract.Contract,
  { ignoreEventTime, ignoreGroup }: GivenReasons,
): ReadonlyArray<Finding.Finding> => {
  const common = { severity: "warn", owner: spec.owner } as const;
  return [
    ...(ignoreEventTime === undefined || spec.eventTime === undefined
      ? []
      : [
          {
            ...common,
            check: "split.event-time-ignored",
            column: spec.eventTime,
            expected: "rows with an event time to be split by time",
            found: `a split that does not: ${ignoreEventTime}`,
            next: "Read what is judged on it as no forecast: rows from after a decision were trained on.",
          },
        ]),
    ...(ignoreGroup === undefined || spec.group === undefined
      ? []
      : [
          {
            ...common,
            check: "split.group-ignored",
            column: spec.group,
            expected: `each ${spec.group} to be in one part`,
            found: `a split that does not see to it: ${ignoreGroup}`,
            next: `Read what is judged on it as about ${spec.group}s that were trained on, not about new ones.`,
          },
        ]),
  ];
};

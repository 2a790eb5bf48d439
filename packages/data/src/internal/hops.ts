/** Hops and entities: what histories and lookups are put together by. */
import type { FeatureSetSpec } from "../FeatureSet.ts";
import { lengthOf } from "./astText.ts";
import { decisionTime, toSql } from "./compile.ts";

/** What is wrong with a time to look back that is no whole number of hops; empty if it is one. */
export const hopsProblem = (what: string, millis: number, hopMs: number): ReadonlyArray<string> => {
  const whole = Number.isSafeInteger(millis) && Number.isSafeInteger(hopMs);
  return whole && hopMs > 0 && millis > 0 && millis % hopMs === 0
    ? []
    : [
        `${what} must be a whole number of hops, at least one: not ${lengthOf(millis)} in hops of ${lengthOf(hopMs)}`,
      ];
};

/** The number of the hop since 1970-01-01 UTC in which an instant lies. */
export const hopOf = (instant: string, hopMs: number): string =>
  `CAST(floor(epoch_ms(${instant}) / ${hopMs}) AS BIGINT)`;

/** The name of the `index`-th column of an entity's key. */
export const key = (index: number): string => `"~k${index}"`;

/**
 * SQL of when a row became known. It counts as known at its decision at the earliest, whatever `claimed`
 * says: otherwise a row could see its own outcome.
 */
export const knownSql = (spec: Pick<FeatureSetSpec, "decidedAt">, claimed: string): string => {
  const decidedAt = toSql(decisionTime(spec));
  // Not `greatest`, for which an unknown time would be the other one.
  return `(CASE WHEN ${claimed} >= ${decidedAt} THEN ${claimed} WHEN ${claimed} IS NOT NULL THEN ${decidedAt} END)`;
};

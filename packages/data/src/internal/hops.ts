/** Hops and entities in SQL: what histories and lookups are put together by. */
import type { FeatureSetSpec } from "../FeatureSet.ts";
import { decisionTime, toSql } from "./compile.ts";

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

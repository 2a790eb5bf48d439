/**
 * Splits: the one way from a checked table to tables that may be trained on, tuned on, judged on and
 * watched. A contract with an event time is split by time, one with a group by group: another split
 * does not compile.
 *
 * Every split is proved after it was written: what must be in one part is looked for in two.
 */
export { byTime, byTimeAndGroup, type ByTimeOptions } from "./split/byTime.ts";
export { byTimeWithin, type ByTimeWithinOptions } from "./split/byTimeWithin.ts";
export { EmptySplit, OverlapError, TooFewUnits } from "./split/errors.ts";
export { type Fold, foldOf, type FoldsStage, type Whole } from "./split/Fold.ts";
export { foldsSql, kFold, type KFoldOptions } from "./split/kFold.ts";
export { rollingOrigin, type RollingOriginOptions } from "./split/rollingOrigin.ts";
export {
  byGroup,
  type ByGroupOptions,
  random,
  type RandomOptions,
  type Shares,
} from "./split/random.ts";
export type { Dated, Grouped, Reasons, Refused, Ungrouped, Unordered } from "./split/refusal.ts";
export type { Cuts } from "./split/time.ts";
export type { Duplicates } from "./split/units.ts";

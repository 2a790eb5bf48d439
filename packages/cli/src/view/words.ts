/** Facts of a run in a few words. */
import type { Run } from "@ml-pipe/core";
import { duration } from "./text.ts";

/** What caused a run; nothing if a person began it. */
export const causeText = ({ causedBy }: Pick<Run.RunSummary, "causedBy">): string => {
  if (causedBy === undefined) return "";
  return "signal" in causedBy
    ? `caused by ${causedBy.signal} of run ${causedBy.run}`
    : `caused by ${causedBy.trigger}: ${causedBy.occurrence}`;
};

/** Why a stage tries again, and when. */
export const retryText = ({ failure, delayMs }: Run.Attempt): string =>
  `${failure.tag}: tries again in ${duration(delayMs)}`;

/** How the end of a stage becomes a status and a recorded error. */
import * as Cause from "effect/Cause";
import type { Failure, StageStatus } from "../Run.ts";

/** Errors that say "no" as designed: a gate stayed shut, data broke its contract. */
const stopping = Symbol.for("ml-pipe/stops");

/** Marks an error class whose instances stop a run rather than break it. */
export const stops = { [stopping]: true } as const;

/** The status of a stage that ended with this cause. */
export const statusOf = (
  cause: Cause.Cause<unknown>,
): Extract<StageStatus, "stopped" | "failed" | "interrupted"> => {
  if (Cause.hasInterruptsOnly(cause)) return "interrupted";
  const error = Cause.squash(cause);
  return typeof error === "object" && error !== null && stopping in error ? "stopped" : "failed";
};

/** The error in a form that can be recorded and shown. */
export const failureOf = (cause: Cause.Cause<unknown>): Failure => {
  const error = Cause.squash(cause);
  if (!(error instanceof Error)) return { tag: "Unknown", message: String(error) };
  const tag = "_tag" in error ? String(error._tag) : error.name;
  return { tag, message: error.message };
};

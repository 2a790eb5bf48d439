/** Why a request over HTTP came to nothing, in a few words and without what was sent. */
import * as Cause from "effect/Cause";

/** In words that follow the name of a server. */
export const problemOf = (cause: Cause.Cause<unknown>): string => {
  if (Cause.hasInterruptsOnly(cause)) return "has not answered in time";
  const code = codeOf(Cause.squash(cause));
  return code === undefined ? "cannot be reached" : `cannot be reached (${code})`;
};

/** Such as `ECONNREFUSED`: it is deep down. */
const codeOf = (error: unknown, depth = 0): string | undefined => {
  if (!(error instanceof Error) || depth > 5) return undefined;
  if ("code" in error && typeof error.code === "string") return error.code;
  if ("reason" in error) return codeOf(error.reason, depth + 1) ?? codeOf(error.cause, depth + 1);
  return codeOf(error.cause, depth + 1);
};

/** Exit codes: what a script may rely on. */

/** It did what was asked. */
export const succeeded = 0;
/** Something broke. */
export const failed = 1;
/** It was asked wrongly: an unknown flag, or a pipeline that is not valid (types, graph, file). */
export const invalid = 2;
/** A gate stayed shut, or data broke its contract: the pipeline said no, as it should. */
export const stopped = 3;
/** It waits for a person: see `ml-pipe status`. */
export const suspended = 4;
/** Ctrl-C. */
export const interrupted = 130;

/** The codes in words, for `--help`. */
export const explained: ReadonlyArray<readonly [number, string]> = [
  [succeeded, "succeeded"],
  [failed, "failed: something broke"],
  [invalid, "wrong usage, or the pipeline is not valid (types, graph, file)"],
  [stopped, "stopped by a gate or a contract"],
  [suspended, "suspended: waits for an approval, and goes on with `ml-pipe resume`"],
  [interrupted, "interrupted"],
];

/** Which runs stay, and why: pure. What a run that stays refers to stays too. */
import type { RunSummary } from "../Run.ts";

/** What is known of the runs of a state folder. */
export interface RunsRecorded {
  /** The newest first. */
  readonly runs: ReadonlyArray<RunSummary>;
  /** Kept by hand. */
  readonly kept: ReadonlySet<string>;
  /** Runs at whose gates somebody gave a word. */
  readonly approved: ReadonlySet<string>;
  /** Runs that made a release that still exists, and its name. */
  readonly released: ReadonlyMap<string, string>;
  /** The runs whose results a run reused. */
  readonly reused: ReadonlyMap<string, ReadonlySet<string>>;
}

/** What stays whatever it refers to. */
export interface RunPolicy {
  /** The newest so many of each pipeline. */
  readonly keepRuns: number;
  /** Those that started at this instant or later. */
  readonly since: Date;
  /** How that is said. */
  readonly sinceWords: string;
}

/** The runs that stay, each with every reason. */
export const runsToKeep = (
  { runs, kept, approved, released, reused }: RunsRecorded,
  { keepRuns, since, sinceWords }: RunPolicy,
): ReadonlyMap<string, ReadonlyArray<string>> => {
  const reasons = new Map<string, Array<string>>();
  const byId = new Map(runs.map((run) => [run.id, run]));
  const counts = new Map<string, number>();
  const withHooks = new Set<string>();
  const because = (run: string, reason: string) => {
    if (!byId.has(run)) return;
    const found = reasons.get(run);
    if (found === undefined) reasons.set(run, [reason]);
    else found.push(reason);
  };

  for (const { id, pipeline, status, startedAt, endedAt } of runs) {
    const count = (counts.get(pipeline) ?? 0) + 1;
    counts.set(pipeline, count);
    if (kept.has(id)) because(id, "kept by hand");
    const release = released.get(id);
    if (release !== undefined) because(id, `made the release ${release}`);
    if (approved.has(id)) because(id, "somebody approved or rejected in it");
    if (status === "running" || status === "suspended") because(id, status);
    if (count <= keepRuns) {
      because(id, keepRuns === 1 ? `newest of ${pipeline}` : `newest ${keepRuns} of ${pipeline}`);
    }
    if (startedAt >= since) because(id, sinceWords);
    if (endedAt !== undefined && !withHooks.has(pipeline)) {
      withHooks.add(pipeline);
      because(id, "the hooks of the next run go on from it");
    }
  }

  // It grows while it is walked.
  for (const [id] of reasons) {
    for (const before of reused.get(id) ?? []) because(before, `run ${id} reused its results`);
    const cause = byId.get(id)?.causedBy;
    if (cause !== undefined && "run" in cause) because(cause.run, `caused run ${id}`);
  }
  return reasons;
};

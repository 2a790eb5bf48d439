/** What a run's record says beyond its stages: verdicts, releases. */
import { type Run, Verdict } from "@ml-pipe/core";
import * as Schema from "effect/Schema";

/** A verdict among the outputs of a run, and the stage that gave it. */
export interface FoundVerdict {
  readonly stage: string;
  readonly verdict: Verdict.Verdict;
}

const decodeVerdict = Schema.decodeUnknownOption(Verdict.Verdict);

/** The verdicts of a run, each once, in the order of its stages. */
export const verdictsOf = (run: Run.Run): ReadonlyArray<FoundVerdict> => {
  const found = new Map<string, FoundVerdict>();
  for (const { stage, outputs } of run.stages) {
    for (const output of Object.values(outputs ?? {})) {
      const verdict = decodeVerdict(output);
      if (verdict._tag === "Some" && !found.has(verdict.value.digest)) {
        found.set(verdict.value.digest, { stage, verdict: verdict.value });
      }
    }
  }
  return [...found.values()];
};

/** What makes an output a release, for a view that only needs its name. */
const ReleaseName = Schema.Struct({
  name: Schema.String,
  version: Schema.Int,
  knownUntil: Schema.String,
  releasedAt: Schema.String,
});

const decodeRelease = Schema.decodeUnknownOption(ReleaseName);

/** The releases that a run made, as `flight-delay@3`. */
export const releasesOf = (run: Run.Run): ReadonlyArray<string> => {
  const outputs = run.stages.flatMap((stage) => Object.values(stage.outputs ?? {}));
  const labels = outputs.flatMap((output) => {
    const release = decodeRelease(output);
    return release._tag === "Some" ? [`${release.value.name}@${release.value.version}`] : [];
  });
  return [...new Set(labels)];
};

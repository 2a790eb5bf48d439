import type { Run } from "@ml-pipe/core";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Option from "effect/Option";
import { json, optional, lightVerb } from "../Verb.ts";

const limit = Flag.Int("limit").pipe(
  Flag.withMetavar("N"),
  Flag.withDescription("At most so many (default: 20)"),
  Flag.withDefault(20),
);
const pipeline = optional("pipeline", "NAME", "Only runs of this pipeline");
// Spelled out: the schema would come with all that describes a run.
const statuses: ReadonlyArray<Run.RunStatus> = [
  "running",
  "succeeded",
  "stopped",
  "suspended",
  "failed",
  "interrupted",
];
const status = Flag.Literals("status", statuses).pipe(
  Flag.withDescription("Only runs that stand so"),
  Flag.optional,
  Flag.map(Option.getOrUndefined),
);

/** `ml-pipe runs`. */
export const runs = Command.make("runs", { limit, pipeline, status, json }, (flags) =>
  lightVerb((light, { stateFolder, context }) =>
    light.runs({ ...flags, stateFolder }, context.terminal),
  ),
).pipe(
  Command.withDescription("List runs, the newest first"),
  Command.withExamples([
    { command: "ml-pipe runs --status suspended", description: "What waits for whom" },
  ]),
);

import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { runs as listRuns } from "../light/runs.ts";
import { json, verb } from "../Verb.ts";

const limit = Flag.Int("limit").pipe(
  Flag.withMetavar("N"),
  Flag.withDescription("At most so many"),
  Flag.withDefault(20),
);

/** `ml-pipe runs`. */
export const runs = Command.make("runs", { limit, json }, (flags) =>
  verb(({ stateFolder, context }) => listRuns({ ...flags, stateFolder }, context.terminal)),
).pipe(Command.withDescription("List runs, the newest first"));

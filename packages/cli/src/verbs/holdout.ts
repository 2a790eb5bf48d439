import * as Command from "effect/cli/Command";
import { json, lightVerb } from "../Verb.ts";

/** `ml-pipe holdout`. */
export const holdout = Command.make("holdout", { json }, (flags) =>
  lightVerb((light, { stateFolder, context }) =>
    light.holdout({ ...flags, stateFolder }, context.terminal),
  ),
).pipe(
  Command.withDescription(
    "List every look at a test set: which model, when, by whom, and why again",
  ),
);

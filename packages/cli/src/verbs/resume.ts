import * as Command from "effect/cli/Command";
import { heavy } from "../heavy.ts";
import { boolean, heavyVerb, optional, optionalArgument, types } from "../Verb.ts";

const run = optionalArgument(
  "RUN",
  "A run, or the beginning of its name (default: the newest that did not end)",
);
const file = optional(
  "file",
  "FILE",
  "The pipeline file (default: the one that the run came from)",
);
const json = boolean("json", "Print what happens as JSON, one event a line");

/** `ml-pipe resume [RUN]`. */
export const resume = Command.make("resume", { run, file, types, json }, (flags) =>
  heavyVerb(async ({ stateFolder, context }) =>
    (await heavy("resume")).resume({ ...flags, stateFolder }, context),
  ),
).pipe(
  Command.withDescription("Go on with a run that did not end; what it has finished is reused"),
);

import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import { boolean, lightVerb } from "../Verb.ts";

const run = Argument.String("RUN").pipe(
  Argument.withDescription("A run, or the beginning of its name"),
);
const undo = boolean("undo", "Keep it no longer");

/** `ml-pipe keep RUN`. */
export const keep = Command.make("keep", { run, undo }, (flags) =>
  lightVerb((light, { stateFolder, context }) =>
    light.keep({ ...flags, stateFolder }, context.terminal),
  ),
).pipe(Command.withDescription("Keep a run, and all that it refers to, whatever its age"));

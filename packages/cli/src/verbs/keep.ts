import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import { keep as keepRun } from "../light/keep.ts";
import { boolean, verb } from "../Verb.ts";

const run = Argument.String("RUN").pipe(
  Argument.withDescription("A run, or the beginning of its name"),
);
const undo = boolean("undo", "Keep it no longer");

/** `ml-pipe keep RUN`. */
export const keep = Command.make("keep", { run, undo }, (flags) =>
  verb(({ stateFolder, context }) => keepRun({ ...flags, stateFolder }, context.terminal)),
).pipe(Command.withDescription("Keep a run, and all that it refers to, whatever its age"));

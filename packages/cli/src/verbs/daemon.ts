import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import { heavy } from "../heavy.ts";
import { boolean, file, heavyVerb, optional, types } from "../Verb.ts";

const files = file.pipe(Argument.atLeast(1));
const once = boolean("once", "Look once, run what is due, and end: for the system's own scheduler");
const dry = boolean("dry", "Show the triggers and when they are due next; run nothing");
const startedBy = optional(
  "as",
  "NAME",
  "Who starts the runs, and so cannot approve them (default: $ML_PIPE_USER, else Git's user.email, else the login)",
);
const json = boolean("json", "Print what happens as JSON, one event a line");

/** `ml-pipe daemon FILE...`. */
export const daemon = Command.make(
  "daemon",
  { files, types, once, dry, startedBy, json },
  (flags) =>
    heavyVerb(async ({ stateFolder, context }) =>
      (await heavy("daemon")).daemon({ ...flags, stateFolder }, context),
    ),
).pipe(
  Command.withDescription(
    "Run pipelines when their triggers are due, and go on with those that somebody approved; Ctrl-C waits for the current run, a second one interrupts it",
  ),
  Command.withExamples([
    { command: "ml-pipe daemon train.ts watch.ts", description: "Watch two pipelines" },
    { command: "ml-pipe daemon pipeline.ts --dry", description: "When is it due?" },
  ]),
);

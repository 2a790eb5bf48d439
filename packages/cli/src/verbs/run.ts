import * as Command from "effect/cli/Command";
import { heavy } from "../heavy.ts";
import { boolean, file, heavyVerb, optional, types } from "../Verb.ts";

const force = boolean("force", "Run every stage, whatever is unchanged; begins a new run");
const fresh = boolean("new", "Begin a new run, also if the last one was interrupted or waits");
const dry = boolean("dry", "Say what would run, and because of what; run nothing");
const startedBy = optional(
  "as",
  "NAME",
  "Who starts it, and so cannot approve it (default: $ML_PIPE_USER, else Git's user.email, else the login)",
);
const json = boolean("json", "Print what happens as JSON, one event a line");

/** `ml-pipe run FILE`. */
export const run = Command.make(
  "run",
  { file, types, force, fresh, dry, startedBy, json },
  ({ dry, ...flags }) =>
    heavyVerb(async ({ stateFolder, context }) =>
      dry
        ? (await heavy("plan")).plan({ ...flags, stateFolder }, context)
        : (await heavy("run")).run({ ...flags, stateFolder }, context),
    ),
).pipe(
  Command.withDescription(
    "Check a pipeline and run it, or go on with its last run if that did not end; stages whose inputs and code are unchanged are reused",
  ),
  Command.withExamples([
    { command: "ml-pipe run pipeline.ts", description: "Run a pipeline" },
    { command: "ml-pipe run pipeline.ts --dry", description: "Say what would run, and why" },
    {
      command: "ml-pipe run pipeline.ts --json > events.ndjson",
      description: "Record what happens",
    },
  ]),
);

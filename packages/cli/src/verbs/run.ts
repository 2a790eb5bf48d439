import * as Command from "effect/cli/Command";
import { heavy } from "../heavy.ts";
import { boolean, file, heavyVerb, types } from "../Verb.ts";

const force = boolean("force", "Run every stage, whatever is unchanged");
const json = boolean("json", "Print what happens as JSON, one event a line");

/** `ml-pipe run FILE`. */
export const run = Command.make("run", { file, types, force, json }, (flags) =>
  heavyVerb(async ({ stateFolder, context }) =>
    (await heavy("run")).run({ ...flags, stateFolder }, context),
  ),
).pipe(
  Command.withDescription(
    "Check a pipeline and run it; stages whose inputs and code are unchanged are reused",
  ),
  Command.withExamples([
    { command: "ml-pipe run pipeline.ts", description: "Run a pipeline" },
    {
      command: "ml-pipe run pipeline.ts --json > events.ndjson",
      description: "Record what happens",
    },
  ]),
);

import * as Command from "effect/cli/Command";
import { optional, run, lightVerb } from "../Verb.ts";

const out = optional("out", "FILE", "Where to write it (default: standard output)");

/** `ml-pipe dump [RUN]`. */
export const dump = Command.make("dump", { run, out }, (flags) =>
  lightVerb((light, { stateFolder, context }) =>
    light.dump({ ...flags, stateFolder }, context.terminal),
  ),
).pipe(
  Command.withDescription("Print everything recorded about a run as one JSON document"),
  Command.withExamples([
    { command: "ml-pipe dump --out run.json", description: "The newest run, for a bug report" },
  ]),
);

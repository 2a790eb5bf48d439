import * as Command from "effect/cli/Command";
import { heavy } from "../heavy.ts";
import { heavyVerb, json, release } from "../Verb.ts";

/** `ml-pipe why RELEASE`. */
export const why = Command.make("why", { release, json }, (flags) =>
  heavyVerb(async ({ stateFolder, context }) =>
    (await heavy("why")).why({ ...flags, stateFolder }, context),
  ),
).pipe(
  Command.withDescription(
    "Show the chain of evidence from a release back to its source files, each link verified",
  ),
  Command.withExamples([
    { command: "ml-pipe why flight-delay", description: "The newest version" },
  ]),
);

import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import { boolean, json, lightVerb } from "../Verb.ts";

const artifact = Argument.String("ARTIFACT").pipe(
  Argument.withDescription(
    "A digest or the beginning of one, a file in artifacts/, RUN/STAGE, RUN/STAGE.PORT, or a release name@1",
  ),
);
const up = boolean("up", "Only what it was made from");
const down = boolean("down", "Only what used it");

/** `ml-pipe lineage ARTIFACT`. */
export const lineage = Command.make("lineage", { artifact, up, down, json }, (flags) =>
  lightVerb((light, { stateFolder, context }) =>
    light.lineage({ ...flags, stateFolder }, context.terminal),
  ),
).pipe(
  Command.withDescription("Show what an artifact was made from, and what used it"),
  Command.withExamples([
    { command: "ml-pipe lineage flight-delay@1 --up", description: "Back to the source files" },
    { command: "ml-pipe lineage 20261124/split.train --down", description: "All that used it" },
  ]),
);

import * as Command from "effect/cli/Command";
import { heavy } from "../heavy.ts";
import { json, optionalArgument, lightVerb } from "../Verb.ts";

const first = optionalArgument("RUN", "A run, or the beginning of its name (default: the newest)");
const second = optionalArgument(
  "OTHER",
  "The run to compare it with, as the later one (default: RUN is the later one, and is compared with the run of its pipeline before it)",
);

/** `ml-pipe diff [RUN] [OTHER]`. */
export const diff = Command.make("diff", { first, second, json }, (flags) =>
  lightVerb((light, { stateFolder, context }) =>
    light.diff(
      {
        ...flags,
        stateFolder,
        compare: (...runs) => heavy("compare").then(({ compare }) => compare(...runs)),
      },
      context.terminal,
    ),
  ),
).pipe(
  Command.withDescription(
    "Show what differs between two runs, and which of their models is better on the same test rows",
  ),
  Command.withExamples([
    { command: "ml-pipe diff", description: "The newest run and the one before it" },
    { command: "ml-pipe diff 20261123 20261124 --json", description: "Two runs, as data" },
  ]),
);

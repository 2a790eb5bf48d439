import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { heavy } from "../heavy.ts";
import { boolean, heavyVerb, release } from "../Verb.ts";

const input = Flag.File("in").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("Rows as .ndjson, .json or .csv (default: standard input)"),
  Flag.withDefault("-"),
);
const output = Flag.File("out").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("Where predictions go, one JSON object a line (default: standard output)"),
  Flag.withDefault("-"),
);

const explain = boolean("explain", "Also say which features moved each prediction, and how far");

const keep = Flag.String("keep").pipe(
  Flag.withMetavar("FIELD"),
  Flag.withDescription(
    "Repeat this field of a row with its prediction, such as its key; once for each",
  ),
  Flag.atLeast(0),
);

/** `ml-pipe predict RELEASE`. */
export const predict = Command.make("predict", { release, input, output, keep, explain }, (flags) =>
  heavyVerb(async ({ stateFolder, context }) =>
    (await heavy("predict")).predict({ ...flags, stateFolder }, context),
  ),
).pipe(
  Command.withDescription("Predict rows with a release"),
  Command.withExamples([
    {
      command: "ml-pipe predict flight-delay --in rows.csv --out predictions.ndjson",
      description: "Predict the rows of a file",
    },
    {
      command: "ml-pipe predict churn --in customers.csv --keep customer",
      description: "Say which customer each prediction is about",
    },
  ]),
);

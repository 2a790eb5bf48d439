import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Schema from "effect/Schema";
import { boolean, json, lightVerb } from "../Verb.ts";

const number = (name: string, description: string, byDefault: number) =>
  Flag.Int(name).pipe(
    Flag.withSchema(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
    Flag.withMetavar("N"),
    Flag.withDescription(`${description} (default: ${byDefault})`),
    Flag.withDefault(byDefault),
  );

const dry = boolean("dry", "Remove nothing: say what would go, and why the rest stays");
const keepRuns = number("keep-runs", "Keep the newest so many runs of each pipeline", 10);
const keepDays = number("keep-days", "Keep runs that are younger than so many days", 30);

/** `ml-pipe gc`. */
export const gc = Command.make("gc", { dry, keepRuns, keepDays, json }, (flags) =>
  lightVerb((light, { stateFolder, context }) =>
    light.gc({ ...flags, stateFolder }, context.terminal),
  ),
).pipe(
  Command.withDescription(
    "Remove old runs, and what no release, approval or run that stays refers to",
  ),
  Command.withExamples([
    { command: "ml-pipe gc --dry", description: "See what would go" },
    { command: "ml-pipe gc --keep-runs 3 --keep-days 7", description: "Keep less" },
  ]),
);

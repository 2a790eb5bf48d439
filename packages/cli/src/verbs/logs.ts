import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Option from "effect/Option";
import { boolean, optionalArgument, run, lightVerb } from "../Verb.ts";

const stage = optionalArgument("STAGE", "Only what this stage logged");
const follow = boolean("follow", "Go on until the run has ended").pipe(Flag.withAlias("f"));
const level = Flag.Literals("level", ["trace", "debug", "info", "warn", "error", "fatal"]).pipe(
  Flag.withDescription("Only this level and above"),
  Flag.optional,
  Flag.map(Option.getOrUndefined),
);
const json = boolean("json", "Print one JSON object a line");

/** `ml-pipe logs [RUN] [STAGE]`. */
export const logs = Command.make("logs", { run, stage, follow, level, json }, (flags) =>
  lightVerb((light, { stateFolder, context }) => light.logs({ ...flags, stateFolder }, context)),
).pipe(
  Command.withDescription("Show what the stages of a run logged, and what happened to them"),
  Command.withExamples([
    { command: "ml-pipe logs", description: "The newest run" },
    { command: "ml-pipe logs 20261124 train --follow", description: "One stage, as it goes on" },
    { command: "ml-pipe logs --level warn", description: "Only what may need attention" },
  ]),
);

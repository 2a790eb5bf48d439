import * as Command from "effect/cli/Command";
import { heavy } from "../heavy.ts";
import { isFile } from "./isFile.ts";
import { heavyVerb, json, optional, optionalArgument, lightVerb } from "../Verb.ts";

const stage = optional("stage", "NAME", "Only this stage, with its parameters");
const what = optionalArgument("FILE|RUN", "A pipeline file, or a run (default: the newest run)");

/** `ml-pipe show [FILE|RUN]`. */
export const show = Command.make("show", { what, stage, json }, ({ what, ...flags }) =>
  what !== undefined && isFile(what)
    ? heavyVerb(async ({ context }) =>
        (await heavy("show")).show({ ...flags, file: what }, context),
      )
    : lightVerb((light, { stateFolder, context }) =>
        light.showRun({ ...flags, run: what, stateFolder }, context.terminal),
      ),
).pipe(Command.withDescription("Show a graph: stages, contracts on its edges, feedback"));

import * as Command from "effect/cli/Command";
import { heavy } from "../heavy.ts";
import { file, heavyVerb, json, types } from "../Verb.ts";

/** `ml-pipe check FILE`. */
export const check = Command.make("check", { file, types, json }, (flags) =>
  heavyVerb(async ({ stateFolder, context }) =>
    (await heavy("check")).check({ ...flags, stateFolder }, context),
  ),
).pipe(Command.withDescription("Check types, graph and contracts of a pipeline; reads no data"));

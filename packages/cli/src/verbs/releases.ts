import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Option from "effect/Option";
import { heavy } from "../heavy.ts";
import { heavyVerb, json, release } from "../Verb.ts";

const optionalRelease = release.pipe(Argument.optional, Argument.map(Option.getOrUndefined));

/** `ml-pipe releases [RELEASE]`. */
export const releases = Command.make("releases", { release: optionalRelease, json }, (flags) =>
  heavyVerb(async ({ stateFolder, context }) =>
    (await heavy("releases")).releases({ ...flags, stateFolder }, context),
  ),
).pipe(Command.withDescription("List releases, or show one: what a request carries"));

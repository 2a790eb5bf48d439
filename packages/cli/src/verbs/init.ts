import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import { heavy } from "../heavy.ts";
import { heavyVerb } from "../Verb.ts";

const folder = Argument.Directory("DIR").pipe(
  Argument.withDescription("The folder; made if absent, nothing in it is overwritten"),
  Argument.withDefault("."),
);

/** `ml-pipe init [DIR]`. */
export const init = Command.make("init", { folder }, (flags) =>
  heavyVerb(async ({ context, version }) =>
    (await heavy("init")).init({ ...flags, version }, context),
  ),
).pipe(Command.withDescription("Write a small project that runs, to start from"));

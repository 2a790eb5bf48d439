import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { heavy } from "../heavy.ts";
import { heavyVerb, release } from "../Verb.ts";

const port = Flag.Int("port").pipe(
  Flag.withDescription("Port to listen on; 0: any that is free"),
  Flag.withDefault(8080),
);
const host = Flag.String("host").pipe(
  Flag.withDescription("Address to listen on; 0.0.0.0: reachable from other machines"),
  Flag.withDefault("127.0.0.1"),
);

/** `ml-pipe serve RELEASE`. */
export const serve = Command.make("serve", { release, port, host }, (flags) =>
  heavyVerb(async ({ stateFolder, context }) =>
    (await heavy("serve")).serve({ ...flags, stateFolder }, context),
  ),
).pipe(Command.withDescription("Answer predictions of a release over HTTP"));

import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { heavy } from "../heavy.ts";
import { heavyVerb, optional, release } from "../Verb.ts";

const port = Flag.Int("port").pipe(
  Flag.withDescription("Port to listen on; 0: any that is free"),
  Flag.withDefault(8080),
);
const host = Flag.String("host").pipe(
  Flag.withDescription("Address to listen on; 0.0.0.0: reachable from other machines"),
  Flag.withDefault("127.0.0.1"),
);
const record = optional(
  "record",
  "FILE",
  "Record requests and the features computed for them, to compare with the batch (lines of JSON)",
);
const recordShare = Flag.Finite("record-share").pipe(
  Flag.filter(
    (share) => share >= 0 && share <= 1,
    () => "a share is from 0 to 1",
  ),
  Flag.withDescription("Share of the entities to record, 0 to 1; each always or never"),
  Flag.withDefault(1),
);

/** `ml-pipe serve RELEASE`. */
export const serve = Command.make("serve", { release, port, host, record, recordShare }, (flags) =>
  heavyVerb(async ({ stateFolder, context }) =>
    (await heavy("serve")).serve({ ...flags, stateFolder }, context),
  ),
).pipe(Command.withDescription("Answer predictions of a release over HTTP"));

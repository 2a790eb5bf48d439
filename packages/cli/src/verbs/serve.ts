import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Option from "effect/Option";
import { heavy } from "../heavy.ts";
import { boolean, heavyVerb, optional, release } from "../Verb.ts";

const port = Flag.Int("port").pipe(
  Flag.withMetavar("PORT"),
  Flag.withDescription("Port to listen on; 0: any that is free (default: 8080)"),
  Flag.withDefault(8080),
);
const host = Flag.String("host").pipe(
  Flag.withMetavar("ADDRESS"),
  Flag.withDescription(
    "Address to listen on; 0.0.0.0: reachable from other machines (default: 127.0.0.1)",
  ),
  Flag.withDefault("127.0.0.1"),
);
const record = optional(
  "record",
  "FILE",
  "Record requests and the features computed for them, to compare with the batch (lines of JSON)",
);
const recordShare = Flag.Finite("record-share").pipe(
  Flag.withMetavar("SHARE"),
  Flag.filter(
    (share) => share >= 0 && share <= 1,
    () => "a share is from 0 to 1",
  ),
  Flag.withDescription(
    "Share of the entities to record, 0 to 1; each always or never (default: 1)",
  ),
  Flag.withDefault(1),
);

const store = boolean(
  "store",
  "Read the state of histories from the feature store, which is kept fresh (default: from the release)",
);
const maxAge = Flag.Finite("max-age").pipe(
  Flag.withMetavar("SECONDS"),
  Flag.filter(
    (seconds) => seconds >= 0,
    () => "an age is at least 0 seconds",
  ),
  Flag.withDescription(
    "With --store: by how much the state may fall short of what a decision needs (default: any)",
  ),
  Flag.optional,
  Flag.map(Option.getOrUndefined),
);
const refuse = boolean(
  "refuse",
  "With --store: refuse requests whose state is too old or cannot be read (default: it is missing)",
);

/** `ml-pipe serve RELEASE`. */
export const serve = Command.make(
  "serve",
  { release, port, host, record, recordShare, store, maxAge, refuse },
  (flags) =>
    heavyVerb(async ({ stateFolder, context }) =>
      (await heavy("serve")).serve({ ...flags, stateFolder }, context),
    ),
).pipe(
  Command.withDescription("Answer predictions of a release over HTTP"),
  Command.withExamples([
    { command: "ml-pipe serve flight-delay --port 8093", description: "On this machine" },
    {
      command: "ml-pipe serve flight-delay --store --record served.ndjson",
      description: "From the feature store, recording what is served",
    },
  ]),
);

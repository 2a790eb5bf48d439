import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as Schema from "effect/Schema";
import { heavy } from "../heavy.ts";
import { boolean, heavyVerb, json, optional, release } from "../Verb.ts";

const file = Argument.File("FILE").pipe(
  Argument.withDescription("A pipeline file, or one that exports feature sets"),
);

const check = Command.make("check", { file, json }, (flags) =>
  heavyVerb(async ({ stateFolder, context }) =>
    (await heavy("features")).check({ ...flags, stateFolder }, context),
  ),
).pipe(
  Command.withDescription(
    "Hold the feature sets of a file against what releases serve; ends with 3 if one was edited under its version",
  ),
);

const lookup = Flag.String("lookup").pipe(
  Flag.withMetavar("NAME=FILE"),
  Flag.withDescription(
    "The rows of a lookup, as those of --history (default: the newest checked table of a run)",
  ),
  Flag.atLeast(0),
);

const parity = Command.make(
  "parity",
  {
    release,
    served: Argument.File("SERVED").pipe(
      Argument.withDescription("What `ml-pipe serve --record` wrote"),
    ),
    history: optional(
      "history",
      "FILE",
      "The rows that histories come from, as .parquet, .csv or .ndjson (default: the newest checked table of a run)",
    ),
    lookup,
    tolerance: Flag.Finite("tolerance").pipe(
      Flag.withMetavar("SHARE"),
      Flag.filter(
        (share) => share >= 0 && share < 1,
        () => "a tolerance is a share from 0 to below 1",
      ),
      Flag.withDescription(
        "How far served and batch may lie apart, relative to the larger one (default: 1e-9)",
      ),
      Flag.withDefault(1e-9),
    ),
    accept: Flag.String("accept").pipe(
      Flag.withMetavar("FEATURE=SHARE:CAUSE"),
      Flag.withDescription(
        "A feature that may differ in a share of the requests, and why; once for each",
      ),
      Flag.atLeast(0),
    ),
    json,
  },
  (flags) =>
    heavyVerb(async ({ stateFolder, context }) =>
      (await heavy("features")).parity({ ...flags, stateFolder }, context),
    ),
).pipe(
  Command.withDescription(
    "Compute the features of recorded requests again, in the batch, and compare; ends with 3 unless all are equal",
  ),
);

const materialise = Command.make(
  "materialise",
  {
    release,
    until: Flag.String("until").pipe(
      Flag.withMetavar("INSTANT"),
      Flag.withDescription(
        "A date, or an instant with a zone: the rows have all that was known by then",
      ),
    ),
    history: optional(
      "history",
      "FILE",
      "The rows that histories come from, as .parquet, .csv or .ndjson (default: the newest checked table of a run)",
    ),
    lookup,
    json,
  },
  (flags) =>
    heavyVerb(async ({ stateFolder, context }) =>
      (await heavy("features")).materialise({ ...flags, stateFolder }, context),
    ),
).pipe(
  Command.withDescription(
    "Write the state that a release needs into the feature store, from which `serve --store` reads",
  ),
);

const prune = Command.make(
  "prune",
  {
    dry: boolean("dry", "Drop nothing: say what would go"),
    idleDays: Flag.Int("idle-days").pipe(
      Flag.withSchema(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
      Flag.withMetavar("N"),
      Flag.withDescription("Keep what was written in the last so many days (default: 30)"),
      Flag.withDefault(30),
    ),
    json,
  },
  (flags) =>
    heavyVerb(async ({ stateFolder, context }) =>
      (await heavy("features")).prune({ ...flags, stateFolder }, context),
    ),
).pipe(
  Command.withDescription(
    "Drop state of the feature store that no release of the state folder needs and nobody wrote to lately",
  ),
);

/** `ml-pipe features check|materialise|parity|prune`. */
export const features = Command.make("features").pipe(
  Command.withDescription("Keep what features mean, and prove that serving computes it"),
  Command.withSubcommands([check, materialise, parity, prune]),
  Command.withExamples([
    {
      command: "ml-pipe features check pipeline.ts",
      description: "In CI: is what releases serve left as it was?",
    },
    {
      command: "ml-pipe features materialise flight-delay --until 2026-06-01",
      description: "Bring the feature store up to date for a release",
    },
    {
      command: "ml-pipe features parity flight-delay served.ndjson",
      description: "Did the service compute what the batch computes?",
    },
    {
      command: "ml-pipe features prune --dry",
      description: "Which state does no release need any more?",
    },
  ]),
);

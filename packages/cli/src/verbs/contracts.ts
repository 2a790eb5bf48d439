import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { heavy } from "../heavy.ts";
import { heavyVerb, json, optional, optionalArgument } from "../Verb.ts";

const file = Argument.File("FILE").pipe(
  Argument.withDescription("A pipeline file, or one that exports contracts"),
);
const serving = Flag.String("serving").pipe(
  Flag.withMetavar("RELEASE"),
  Flag.withDescription("A release that serves beside the newest of each name; once for each"),
  Flag.atLeast(0),
);
const contract = Argument.String("CONTRACT").pipe(
  Argument.withDescription("The name of a contract"),
);
const anyContract = optionalArgument("CONTRACT", "The name of a contract (default: the only one)");
const owner = optional("owner", "TEAM", "Who answers for the data");
const out = optional("out", "FILE", "Where to write it (default: standard output)");

const load = () => heavy("contracts");
const review = { file, serving, json };

const check = Command.make("check", review, (flags) =>
  heavyVerb(async ({ stateFolder, context }) =>
    (await load()).check({ ...flags, stateFolder }, context),
  ),
).pipe(
  Command.withDescription(
    "Hold the contracts against the lock and the releases that serve; ends with 3 if somebody has not agreed",
  ),
);

const diff = Command.make("diff", review, (flags) =>
  heavyVerb(async ({ stateFolder, context }) =>
    (await load()).diff({ ...flags, stateFolder }, context),
  ),
).pipe(Command.withDescription("Show what changed since the lock, and whom it breaks"));

const lock = Command.make("lock", review, (flags) =>
  heavyVerb(async ({ stateFolder, context }) =>
    (await load()).lock({ ...flags, stateFolder }, context),
  ),
).pipe(Command.withDescription("Write the contracts to contracts.lock.json, once all have agreed"));

const acknowledge = Command.make(
  "acknowledge",
  {
    file,
    contract,
    team: Flag.String("team").pipe(
      Flag.withMetavar("TEAM"),
      Flag.withDescription("The team that agrees: a consumer, or the owner"),
    ),
    as: optional("as", "NAME", "Who says it (default: Git's user.email, else the login)"),
    reason: Flag.String("reason").pipe(
      Flag.withMetavar("TEXT"),
      Flag.withDescription("Why; kept in the lock"),
    ),
    serving,
    json,
  },
  (flags) =>
    heavyVerb(async ({ stateFolder, context }) =>
      (await load()).acknowledge({ ...flags, stateFolder }, context),
    ),
).pipe(
  Command.withDescription(
    "Say for a team that it agrees on what changed; void if it changes again",
  ),
);

const show = Command.make(
  "show",
  { file, contract: optionalArgument("CONTRACT", "Only this one, as a page"), json },
  (flags) => heavyVerb(async ({ context }) => (await load()).show(flags, context)),
).pipe(Command.withDescription("List the contracts of a file, or show one as a page"));

const write = Command.make(
  "export",
  {
    file,
    contract: anyContract,
    format: Flag.Literals("format", ["odcs", "json-schema", "ddl", "markdown"]).pipe(
      Flag.withDescription("The form in which it is written (default: odcs)"),
      Flag.withDefault("odcs" as const),
    ),
  },
  (flags) => heavyVerb(async ({ context }) => (await load()).write(flags, context)),
).pipe(
  Command.withDescription(
    "Print a contract for other tools: ODCS 3.1 as YAML, JSON Schema, SQL, Markdown",
  ),
);

const read = Command.make(
  "import",
  {
    document: Argument.File("DOCUMENT").pipe(
      Argument.withDescription("A data contract of ODCS 3, in YAML or JSON"),
    ),
    owner,
    out,
    json,
  },
  (flags) => heavyVerb(async ({ context }) => (await load()).read(flags, context)),
).pipe(
  Command.withDescription(
    "Write the contracts of a document of ODCS as TypeScript; lists what it could not take",
  ),
);

const infer = Command.make(
  "infer",
  {
    data: Argument.File("DATA").pipe(
      Argument.withDescription("A file of Parquet, CSV or NDJSON (*.parquet, *.csv, *.ndjson …)"),
    ),
    name: optional("name", "NAME", "What the contract is called (default: as the file)"),
    owner,
    out,
    json,
  },
  (flags) => heavyVerb(async ({ context }) => (await load()).draft(flags, context)),
).pipe(
  Command.withDescription(
    "Draft a contract from data, with the evidence for each line, for a person to complete",
  ),
);

/** `ml-pipe contracts check|lock|diff|acknowledge|show|export|import|infer`. */
export const contracts = Command.make("contracts").pipe(
  Command.withDescription("See, change and agree on what hand-overs of data promise"),
  Command.withSubcommands([check, diff, acknowledge, lock, show, infer, write, read]),
  Command.withExamples([
    { command: "ml-pipe contracts check pipeline.ts", description: "In CI: has everybody agreed?" },
    { command: "ml-pipe contracts infer trips.parquet --out trips.ts", description: "Draft one" },
  ]),
);

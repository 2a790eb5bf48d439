/** The command line: verbs, arguments and flags, and which module does what. */
import { existsSync } from "node:fs";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as GlobalFlag from "effect/cli/GlobalFlag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type { CommandContext } from "./commands/runCommand.ts";
import { heavy } from "./heavy.ts";
import { runs } from "./light/runs.ts";
import { showRun } from "./light/showRun.ts";
import { status } from "./light/status.ts";
import { defaultFolder } from "./StateFolder.ts";

/** Where runs are recorded: `--state`, else `ML_PIPE_STATE`, else `.ml-pipe`. */
const State = GlobalFlag.Setting("state")({
  flag: Flag.String("state").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription(
      `State folder: runs, artifacts, releases, reports (default: $ML_PIPE_STATE or ${defaultFolder})`,
    ),
    Flag.withDefault(process.env["ML_PIPE_STATE"] ?? defaultFolder),
  ),
});

const Debug = GlobalFlag.Setting("debug")({
  flag: Flag.Boolean("debug").pipe(
    Flag.withoutNegation,
    Flag.withDescription("Show stack traces (also: ML_PIPE_DEBUG=1)"),
    Flag.withDefault(process.env["ML_PIPE_DEBUG"] === "1"),
  ),
});

const boolean = (name: string, description: string, byDefault = false) =>
  Flag.Boolean(name).pipe(
    byDefault ? (flag) => flag : Flag.withoutNegation,
    Flag.withDescription(description),
    Flag.withDefault(byDefault),
  );

const optional = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.optional,
    Flag.map(Option.getOrUndefined),
  );

const json = boolean("json", "Print one JSON document");
const types = boolean("types", "Check types first (--no-types: do not)", true);
const stage = optional("stage", "NAME", "Only this stage, with its parameters");
const file = Argument.String("FILE").pipe(
  Argument.withDescription("A pipeline file, such as pipeline.ts"),
);
const run = Argument.String("RUN").pipe(
  Argument.withDescription("A run, or the beginning of its name (default: the newest)"),
  Argument.optional,
  Argument.map(Option.getOrUndefined),
);

/** What every verb may use. */
interface Shared {
  readonly stateFolder: string;
  readonly context: CommandContext;
}

/** Loads a heavy command and runs it. */
const promised = (body: () => Promise<number>): Effect.Effect<number> => Effect.promise(body);

const isFile = (name: string): boolean => /\.[cm]?[jt]s$/.test(name) || existsSync(name);

/** The whole command line. `end` is told the exit code of the verb, or the error that it ended with. */
export const commandLine = (
  context: CommandContext,
  version: string,
  end: (exit: { readonly code: number } | { readonly error: unknown }) => void,
) => {
  const verb = (body: (shared: Shared) => Effect.Effect<number, unknown>) =>
    Effect.gen(function* () {
      const shared = { stateFolder: yield* State, context: { ...context, debug: yield* Debug } };
      yield* Effect.match(body(shared), {
        onSuccess: (code) => end({ code }),
        onFailure: (error) => end({ error }),
      });
    });

  const checkVerb = Command.make("check", { file, types, json }, (flags) =>
    verb(({ stateFolder, context }) =>
      promised(async () => (await heavy("check")).check({ ...flags, stateFolder }, context)),
    ),
  ).pipe(Command.withDescription("Check types, graph and contracts of a pipeline; reads no data"));

  const force = boolean("force", "Run every stage, whatever is unchanged");
  const events = boolean("json", "Print what happens as JSON, one event a line");
  const runVerb = Command.make("run", { file, types, force, json: events }, (flags) =>
    verb(({ stateFolder, context }) =>
      promised(async () => (await heavy("run")).run({ ...flags, stateFolder }, context)),
    ),
  ).pipe(
    Command.withDescription(
      "Check a pipeline and run it; stages whose inputs and code are unchanged are reused",
    ),
    Command.withExamples([
      { command: "ml-pipe run pipeline.ts", description: "Run a pipeline" },
      {
        command: "ml-pipe run pipeline.ts --json > events.ndjson",
        description: "Record what happens",
      },
    ]),
  );

  const what = Argument.String("FILE|RUN").pipe(
    Argument.withDescription("A pipeline file, or a run (default: the newest run)"),
    Argument.optional,
    Argument.map(Option.getOrUndefined),
  );
  const showVerb = Command.make("show", { what, stage, json }, ({ what, ...flags }) =>
    verb(({ stateFolder, context }) =>
      what !== undefined && isFile(what)
        ? promised(async () => (await heavy("show")).show({ ...flags, file: what }, context))
        : showRun({ ...flags, run: what, stateFolder }, context.terminal),
    ),
  ).pipe(Command.withDescription("Show a graph: stages, contracts on its edges, feedback"));

  const statusVerb = Command.make("status", { run, json }, (flags) =>
    verb(({ stateFolder, context }) => status({ ...flags, stateFolder }, context.terminal)),
  ).pipe(Command.withDescription("Show a run: stages, findings, verdict, hooks, what to do next"));

  const limit = Flag.Int("limit").pipe(
    Flag.withMetavar("N"),
    Flag.withDescription("At most so many"),
    Flag.withDefault(20),
  );
  const runsVerb = Command.make("runs", { limit, json }, (flags) =>
    verb(({ stateFolder, context }) => runs({ ...flags, stateFolder }, context.terminal)),
  ).pipe(Command.withDescription("List runs, the newest first"));

  const out = optional("out", "FILE", "Where to write it (default: in the state folder)");
  const open = Flag.Literals("open", ["yes", "no"]).pipe(
    Flag.withDescription("Open it in the browser (default: yes on a terminal)"),
    Flag.withDefault(process.stdout.isTTY ? "yes" : "no"),
  );
  const reportVerb = Command.make("report", { run, out, open, json }, ({ open, ...flags }) =>
    verb(({ stateFolder, context }) =>
      promised(async () =>
        (await heavy("report")).report({ ...flags, open: open === "yes", stateFolder }, context),
      ),
    ),
  ).pipe(Command.withDescription("Write the report on a run as one HTML file, and print its path"));

  const release = Argument.String("RELEASE").pipe(
    Argument.withDescription("A release: name@3, name@latest or name"),
  );
  const releasesVerb = Command.make(
    "releases",
    { release: release.pipe(Argument.optional, Argument.map(Option.getOrUndefined)), json },
    (flags) =>
      verb(({ stateFolder, context }) =>
        promised(async () =>
          (await heavy("releases")).releases({ ...flags, stateFolder }, context),
        ),
      ),
  ).pipe(Command.withDescription("List releases, or show one: what a request carries"));

  const input = Flag.String("in").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Rows as .ndjson, .json or .csv (default: standard input)"),
    Flag.withDefault("-"),
  );
  const output = Flag.String("out").pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription("Where predictions go, one JSON object a line (default: standard output)"),
    Flag.withDefault("-"),
  );
  const predictVerb = Command.make("predict", { release, input, output }, (flags) =>
    verb(({ stateFolder, context }) =>
      promised(async () => (await heavy("predict")).predict({ ...flags, stateFolder }, context)),
    ),
  ).pipe(
    Command.withDescription("Predict rows with a release"),
    Command.withExamples([
      {
        command: "ml-pipe predict flight-delay --in rows.csv --out predictions.ndjson",
        description: "Predict the rows of a file",
      },
    ]),
  );

  const port = Flag.Int("port").pipe(
    Flag.withDescription("Port to listen on; 0: any that is free"),
    Flag.withDefault(8080),
  );
  const host = Flag.String("host").pipe(
    Flag.withDescription("Address to listen on; 0.0.0.0: reachable from other machines"),
    Flag.withDefault("127.0.0.1"),
  );
  const serveVerb = Command.make("serve", { release, port, host }, (flags) =>
    verb(({ stateFolder, context }) =>
      promised(async () => (await heavy("serve")).serve({ ...flags, stateFolder }, context)),
    ),
  ).pipe(Command.withDescription("Answer predictions of a release over HTTP"));

  const folder = Argument.String("DIR").pipe(
    Argument.withDescription("The folder; made if absent, nothing in it is overwritten"),
    Argument.withDefault("."),
  );
  const initVerb = Command.make("init", { folder }, (flags) =>
    verb(({ context }) =>
      promised(async () => (await heavy("init")).init({ ...flags, version }, context)),
    ),
  ).pipe(Command.withDescription("Write a small project that runs, to start from"));

  return Command.make("ml-pipe").pipe(
    Command.withDescription(
      "Pipelines of the machine-learning lifecycle, with every hand-over a checked interface",
    ),
    Command.withSubcommands([
      checkVerb,
      runVerb,
      showVerb,
      statusVerb,
      runsVerb,
      reportVerb,
      releasesVerb,
      predictVerb,
      serveVerb,
      initVerb,
    ]),
    Command.withGlobalFlags([State, Debug]),
  );
};

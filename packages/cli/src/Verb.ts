/** What every verb of the command line is given, and the flags that several of them have. */
import * as Context from "effect/Context";
import * as Argument from "effect/cli/Argument";
import * as Flag from "effect/cli/Flag";
import * as GlobalFlag from "effect/cli/GlobalFlag";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type { CommandContext } from "./commands/runCommand.ts";
import type * as Light from "./light/index.ts";
import { defaultFolder } from "./defaultFolder.ts";

/** Where runs are recorded: `--state`, else `ML_PIPE_STATE`, else `.ml-pipe`. */
export const State = GlobalFlag.Setting("state")({
  flag: Flag.Directory("state").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription(
      `State folder: runs, artifacts, releases, reports (default: $ML_PIPE_STATE or ${defaultFolder})`,
    ),
    Flag.withDefault(process.env["ML_PIPE_STATE"] ?? defaultFolder),
  ),
});

/** Show stack traces. */
export const Debug = GlobalFlag.Setting("debug")({
  flag: Flag.Boolean("debug").pipe(
    Flag.withoutNegation,
    Flag.withDescription("Show stack traces (also: ML_PIPE_DEBUG=1)"),
    Flag.withDefault(process.env["ML_PIPE_DEBUG"] === "1"),
  ),
});

/** How the process was called. */
export class Invocation extends Context.Service<
  Invocation,
  {
    readonly context: CommandContext;
    readonly version: string;
    /** Told the exit code of the verb, or the error that it ended with. */
    readonly end: (exit: { readonly code: number } | { readonly error: unknown }) => void;
  }
>()("@ml-pipe/cli/Invocation") {}

/** What a verb may use. */
export interface Shared {
  readonly stateFolder: string;
  readonly context: CommandContext;
  readonly version: string;
}

/** What a verb does: its result is an exit code. */
const verb = Effect.fnUntraced(function* (
  body: (shared: Shared) => Effect.Effect<number, unknown>,
) {
  const { context, version, end } = yield* Invocation;
  const stateFolder = yield* State;
  const debug = yield* Debug;
  yield* Effect.match(body({ stateFolder, version, context: { ...context, debug } }), {
    onSuccess: (code) => end({ code }),
    onFailure: (error) => end({ error }),
  });
});

/** The same for a light command. */
export const lightVerb = (
  body: (light: typeof Light, shared: Shared) => Effect.Effect<number, unknown>,
) =>
  verb((shared) =>
    Effect.flatMap(
      Effect.promise(() => import("./light/index.ts")),
      (light) => body(light, shared),
    ),
  );

/** The same for a heavy command: see `heavy`. */
export const heavyVerb = (body: (shared: Shared) => Promise<number>) =>
  verb((shared) => Effect.promise(() => body(shared)));

/** `--name`; with `byDefault`, `--no-name` too. */
export const boolean = (name: string, description: string, byDefault = false) =>
  Flag.Boolean(name).pipe(
    byDefault ? (flag) => flag : Flag.withoutNegation,
    Flag.withDescription(description),
    Flag.withDefault(byDefault),
  );

/** `--name VALUE`, or undefined. A shell completes it if it is a `FILE`. */
export const optional = (name: string, metavar: string, description: string) =>
  (metavar === "FILE" ? Flag.File(name) : Flag.String(name)).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.optional,
    Flag.map(Option.getOrUndefined),
  );

/** An argument that may be left out. A shell completes it if it may be a `FILE`. */
export const optionalArgument = (name: string, description: string) =>
  (name.startsWith("FILE") ? Argument.Path(name) : Argument.String(name)).pipe(
    Argument.withDescription(description),
    Argument.optional,
    Argument.map(Option.getOrUndefined),
  );

/** `--json` of verbs that print one document. */
export const json = boolean("json", "Print one JSON document");

/** `--no-types`. */
export const types = boolean("types", "Check types first (--no-types: do not)", true);

/** `FILE`: a pipeline file. */
export const file = Argument.File("FILE").pipe(
  Argument.withDescription("A pipeline file, such as pipeline.ts"),
);

/** `RUN`, or undefined for the newest. */
export const run = optionalArgument(
  "RUN",
  "A run, or the beginning of its name (default: the newest)",
);

/** `RELEASE`. */
export const release = Argument.String("RELEASE").pipe(
  Argument.withDescription("A release: name@3, name@latest or name"),
);

/**
 * Engines: where a pipeline's stages run. The interface is the same on one machine and on a cluster;
 * the local engine is in {@link LocalEngine}.
 */
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { ArtifactStore, ArtifactStoreError } from "./Artifact.ts";
import type { GraphNode } from "./internal/builder.ts";
import type { OutputsOf, Pipeline } from "./Pipeline.ts";
import type { Attempt, HookRecord, Run, StageRun } from "./Run.ts";
import type { InputMismatch, Progress } from "./Stage.ts";
import type { Plan } from "./Plan.ts";
import type { FolderOwned, Store, StoreError } from "./Store.ts";

/** What happens while a pipeline runs, in the order in which it happens. */
export type RunEvent =
  | { readonly _tag: "RunStarted"; readonly run: Run }
  | { readonly _tag: "StageStarted"; readonly stage: StageRun }
  | { readonly _tag: "StageRetried"; readonly stage: string; readonly attempt: Attempt }
  | { readonly _tag: "StageProgress"; readonly stage: string; readonly progress: Progress }
  | { readonly _tag: "StageEnded"; readonly stage: StageRun }
  | { readonly _tag: "HookDecided"; readonly record: HookRecord }
  | { readonly _tag: "RunEnded"; readonly run: Run };

/** A stage returned something that its output schema does not allow. */
export class OutputMismatch extends Schema.TaggedError<OutputMismatch>()("OutputMismatch", {
  stage: Schema.String,
  output: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    const output = this.output === "" ? "its output" : `its output "${this.output}"`;
    return `stage "${this.stage}" broke the contract of ${output}: ${this.problem}. Fix the stage, or the schema if it promises too much.`;
  }
}

/** A run that cannot be gone on with: it has succeeded, is running, or is one of another pipeline. */
export class RunNotResumable extends Schema.TaggedError<RunNotResumable>()("RunNotResumable", {
  run: Schema.String,
  problem: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    return `run ${this.run} cannot be resumed: ${this.problem}. ${this.next}.`;
  }
}

const Machine = Schema.Struct({ cores: Schema.Finite, memoryBytes: Schema.Finite });

/** A stage asks for more cores or memory than there is: it could never start. */
export class ResourcesExceeded extends Schema.TaggedError<ResourcesExceeded>()(
  "ResourcesExceeded",
  { stage: Schema.String, asked: Machine, there: Machine },
) {
  override get message(): string {
    const words = ({ cores, memoryBytes }: typeof Machine.Type) =>
      `${cores} cores and ${(memoryBytes / 2 ** 30).toFixed(1)} GiB`;
    return `stage "${this.stage}" asks for ${words(this.asked)}, but there are ${words(this.there)}. Ask for less in its resources, or run it on a larger machine.`;
  }
}

/** What an engine can fail with beside the errors of the stages. */
export type EngineError =
  | StoreError
  | FolderOwned
  | ArtifactStoreError
  | OutputMismatch
  | InputMismatch
  | RunNotResumable
  | ResourcesExceeded;

/** What an engine provides to the stages it runs. */
export type EngineServices = Store | ArtifactStore;

/** How a run is to be done. */
export interface RunOptions {
  /** Told of each event; a slow listener slows the run. */
  readonly onEvent?: (event: RunEvent) => Effect.Effect<void>;
  /** Run every stage, whatever is cached. */
  readonly force?: boolean;
  /** Go on with this run, which did not end: what it has finished is not done again. */
  readonly resume?: string;
  /**
   * With `resume`: go on with what stages kept that were stopped early. Default: they run again, to their
   * end, and the result is that of a run that nobody stopped.
   */
  readonly keepStopped?: boolean;
  /** Who starts it: the author whom an approver must differ from. */
  readonly startedBy?: string;
  /** The file that the pipeline comes from. */
  readonly file?: string;
  /** The trigger that caused it. */
  readonly causedBy?: { readonly trigger: string; readonly occurrence: string };
}

/** A run that succeeded: its record and the values of the pipeline's outputs. */
export interface RunResult<P extends Pipeline> {
  readonly run: Run;
  readonly outputs: OutputsOf<P>;
}

/** Runs pipelines. */
export interface EngineShape {
  /**
   * Runs a pipeline, or goes on with a run that did not end. Stages run as soon as their inputs are
   * there. If one fails, those that do not depend on it still finish; then the run fails with the
   * first error in graph order, where one that broke something comes before one that said no (see
   * {@link Stage.stops}), and that before one that waits (see {@link Stage.suspends}). Everything is
   * recorded in the {@link Store} either way.
   */
  readonly run: <A, E, R>(
    pipeline: Pipeline<A, E, R>,
    options?: RunOptions,
  ) => Effect.Effect<RunResult<Pipeline<A, E, R>>, E | EngineError, Exclude<R, EngineServices>>;
  /**
   * What {@link run} would do now: which stages are fresh, and which are not because of what. Runs
   * nothing; reads what stages read beside their inputs, such as the digest of a source file. With
   * `resume`, what going on with that run would do.
   */
  readonly plan: <A, E, R>(
    pipeline: Pipeline<A, E, R>,
    options?: Pick<RunOptions, "force" | "resume" | "keepStopped">,
  ) => Effect.Effect<Plan, StoreError, Exclude<R, EngineServices>>;
}

/**
 * The engine.
 *
 * @example
 * ```ts
 * import { Artifact, Engine, LocalEngine, type Pipeline, Store } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 * import * as Layer from "effect/Layer";
 *
 * const layer = LocalEngine.layer.pipe(
 *   Layer.provide([Store.Store.layer(".ml-pipe"), Artifact.ArtifactStore.layer(".ml-pipe")]),
 * );
 * const run = (pipeline: Pipeline.Pipeline<unknown, Error, never>) =>
 *   Engine.Engine.use((engine) => engine.run(pipeline)).pipe(Effect.provide(layer));
 * ```
 */
export class Engine extends Context.Service<Engine, EngineShape>()("@ml-pipe/core/Engine") {}

/** The identity of a stage's code, or why there is none. */
export type CodeIdentity =
  | {
      readonly _tag: "Known";
      /** Digest of what the stage uses of each source file or package, by name. */
      readonly parts: { readonly [file: string]: string };
    }
  | { readonly _tag: "Unknown"; readonly reason: string };

/**
 * Identifies the code of a stage, for cache keys: a digest of every module that the stage's behaviour
 * depends on. Unknown code is never cached, and the run says so. The command line provides one that
 * follows imports.
 *
 * @example
 * ```ts
 * import { Engine } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 *
 * // Every stage has the code of this release of the program.
 * const withCode = Effect.provideService(Engine.CodeOf, () =>
 *   Effect.succeed({ _tag: "Known", parts: { program: "1.4.2" } } as const),
 * );
 * ```
 */
export const CodeOf: Context.Reference<(node: GraphNode) => Effect.Effect<CodeIdentity>> =
  Context.Reference<(node: GraphNode) => Effect.Effect<CodeIdentity>>(
    "@ml-pipe/core/Engine/CodeOf",
    {
      defaultValue: () => () =>
        Effect.succeed<CodeIdentity>({
          _tag: "Unknown",
          reason: "the code of the stage was not identified",
        }),
    },
  );

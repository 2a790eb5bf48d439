/** Stages that compute in a worker thread, so that the main thread stays responsive. */
import * as ByteSize from "effect/ByteSize";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type * as Schema from "effect/Schema";
import type { Finding } from "../Finding.ts";
import { callSites } from "../internal/callSite.ts";
import type { Values } from "../internal/executeProcess.ts";
import { executeWorker } from "../internal/executeWorker.ts";
import type { OutOf, OutputSide, TypesOf } from "../internal/outputSide.ts";
import {
  derive,
  type Fields,
  make,
  type Stage,
  type StageInfo,
  StageInvalid,
  type Value,
} from "./make.ts";
import { type Progress, type StageContext } from "./events.ts";
import type { WorkerFailed, WorkerOutOfMemory, WorkerOutputInvalid } from "./workerErrors.ts";

/** What the code in a thread may use besides its input. */
export interface WorkerContext {
  /** The stage's parameters. */
  readonly params: Schema.Json;
  /** At most fifty a second are shown. */
  readonly progress: (progress: Pick<Progress, "label" | "share" | "rows">) => void;
  readonly finding: (finding: Finding) => void;
}

/** What the module of a worker stage exports as its default. */
export type WorkerRun<in In, out Out> = (input: In, context: WorkerContext) => Out | Promise<Out>;

/** A module whose default export runs in a thread, with the types of that: see {@link workerModule}. */
export interface WorkerModule<in In, out Out> {
  readonly url: URL;
  readonly "~ml-pipe/run"?: (input: In) => Out;
}

/** What of a module counts; its input may be anything. */
interface Module {
  readonly default: WorkerRun<never, unknown>;
}

type InputOf<M extends Module> = M["default"] extends (input: infer In, ...rest: never) => unknown
  ? In
  : never;

/**
 * The module of a worker stage, with its types: the compiler then checks the schemas of the stage
 * against the function in the other file. The module is not loaded here.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/core";
 *
 * // For a module in ./primes.ts: Stage.workerModule<typeof import("./primes.ts")>(…)
 * interface Primes { readonly default: (input: { readonly below: number }) => number }
 * const primes = Stage.workerModule<Primes>(new URL("./primes.ts", import.meta.url));
 * ```
 */
export const workerModule = <M extends Module>(
  url: URL,
): WorkerModule<InputOf<M>, Awaited<ReturnType<M["default"]>>> => ({ url });

/** What a worker stage can fail with. */
export type WorkerError = WorkerFailed | WorkerOutOfMemory | WorkerOutputInvalid;

/** What the author of a worker stage writes, beside its outputs and its module. */
interface Definition<I extends Fields> {
  readonly description?: string;
  readonly input: I;
  readonly params?: Schema.Json;
  readonly environment?: ReadonlyArray<string>;
  /** The heap of the thread; what lies outside it, such as the bytes of typed arrays, does not count. */
  readonly memory?: ByteSize.Input;
  /** Default: one core, and the memory of `memory`. */
  readonly resources?: { readonly cores?: number | "all"; readonly memory?: ByteSize.Input };
  readonly cache?: "content" | "never";
  /** The charter the stage was built for; a pipeline with another one refuses it. */
  readonly charter?: { readonly digest: string };
}

interface InThread<I extends Fields, Out> {
  readonly module: WorkerModule<TypesOf<I>, Value<Out>>;
}

/**
 * A stage whose work is done by another module in a worker thread: for computation that would keep
 * the main thread from answering. Its input and output cross by structured clone: plain data, dates
 * and typed arrays do, instances of classes do not. Interruption ends the thread. What it prints is
 * logged; what it throws becomes {@link WorkerFailed}.
 *
 * The module is named by {@link workerModule}. It is TypeScript that Node can load as it is, and its
 * code is part of the cache key.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/core";
 * import * as Schema from "effect/Schema";
 *
 * // ./primes.ts: export default ({ below }: { readonly below: number }) => { …; return count; };
 * interface Primes { readonly default: (input: { readonly below: number }) => number }
 *
 * const primes = Stage.worker("primes", {
 *   module: Stage.workerModule<Primes>(new URL("./primes.ts", import.meta.url)),
 *   input: { below: Schema.Int },
 *   output: Schema.Int,
 *   memory: "512 MiB",
 * });
 * ```
 */
export const worker: <const I extends Fields, T = never, const O extends Fields = never>(
  name: string,
  definition: Definition<I> & OutputSide<T, O> & InThread<I, NoInfer<OutOf<T, O>>>,
) => Stage<TypesOf<I>, OutOf<T, O>, {}, WorkerError, never> = (
  name: string,
  definition: Definition<Fields> &
    OutputSide<unknown, Fields> & { readonly module: { readonly url: URL } },
): never => {
  const frames = callSites(worker);
  const { module, memory, resources = {}, output, outputs, ...common } = definition;
  const { url } = module;
  if (url.protocol !== "file:") {
    throw new StageInvalid({
      stage: name,
      problem: `its module ${url.href} is no file`,
      next: 'Name it as new URL("./module.ts", import.meta.url)',
    });
  }
  const spec = { url, limitBytes: memory === undefined ? undefined : heapBytes(name, memory) };
  const described = {
    ...common,
    resources: { ...(memory === undefined ? {} : { memory }), ...resources },
  };
  const run = (input: Values, context: StageContext<{}>) =>
    executeWorker(spec, stage.info, input, context);
  const stage: { readonly info: StageInfo } =
    outputs === undefined
      ? make(name, {
          ...described,
          output,
          run: (input, context) => Effect.map(run(input, context), (values) => values[""]),
        })
      : make(name, { ...described, outputs, run });
  return derive(stage, { info: () => ({ definedAt: frames[0], frames }) });
};

/** Below this no thread starts. */
const leastBytes = 8 * 2 ** 20;

const heapBytes = (stage: string, memory: ByteSize.Input): number => {
  const bytes = Option.flatMap(ByteSize.fromInput(memory), ByteSize.toNumber);
  if (Option.isSome(bytes) && bytes.value >= leastBytes) return bytes.value;
  throw new StageInvalid({
    stage,
    problem: `its memory ${String(memory)} is too little for a thread`,
    next: 'Give at least "8 MiB"',
  });
};

/** The stage itself: what it is, and how one is made. */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { type CallSite, callSite, callSites } from "../internal/callSite.ts";
import { addNode } from "../internal/builder.ts";
import { checkDefinition, type Needs, resourcesOf } from "../internal/definition.ts";
import { contextOf } from "../internal/stageContext.ts";
import { CurrentStoppable, neverAsked } from "../internal/stoppable.ts";
import type { ErrorOf, NeedsOf, Ref, SignalRef, Traced } from "../Ref.ts";
import type { Signal } from "../Signal.ts";
import { Reporter, type StageContext } from "./events.ts";

/** The schemas of a stage's inputs or named outputs. */
export type Fields = { readonly [port: string]: Schema.ConstraintCodec<unknown, unknown> };

type TypesOf<F extends Fields> = { readonly [K in keyof F]: F[K]["Type"] };

/** Marks a stage whose output is several named values. */
export interface Ports<out P> {
  readonly "~ml-pipe/ports": P;
}

/** What `run` of a stage yields for an output type. */
export type Value<Out> = Out extends Ports<infer P> ? P : Out;

/** What a call of a stage adds to the graph: a reference, or one for each named output. */
export type Node<Out, Signals, E, R> = (Out extends Ports<infer P>
  ? { readonly [K in keyof P]: Ref<P[K], E, R> } & Traced<E, R>
  : Ref<Out, E, R>) & {
  readonly signals: { readonly [K in keyof Signals]: SignalRef<Signals[K]> };
};

/** How a stage is called inside a pipeline: with a reference for each input. */
export type Call<In, Out, Signals, E, R> = [keyof In] extends [never]
  ? () => Node<Out, Signals, E, R>
  : <const X extends { readonly [K in keyof In]: Ref<In[K]> }>(
      inputs: X & { readonly [K in Exclude<keyof X, keyof In>]: never },
    ) => Node<Out, Signals, E | ErrorOf<X>, R | NeedsOf<X>>;

/** An input does not fit the stage: another contract, another role, a broken digest. */
export class InputMismatch extends Schema.TaggedError<InputMismatch>()("InputMismatch", {
  stage: Schema.String,
  input: Schema.String,
  problem: Schema.String,
}) {
  override get message(): string {
    return `stage "${this.stage}" cannot take its input "${this.input}": ${this.problem}. Wire an output of the expected kind to it.`;
  }
}

/**
 * The mark of an error that says "no" as designed: a gate stays shut, data breaks its contract. A run
 * that ends with one is recorded as stopped instead of failed.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/core";
 * import * as Schema from "effect/Schema";
 *
 * class TooFewRows extends Schema.TaggedError<TooFewRows>()("TooFewRows", { rows: Schema.Int }) {
 *   readonly [Stage.stops] = true;
 * }
 * ```
 */
export { stops } from "../internal/marks.ts";

/**
 * The mark of an error that says "not yet": something outside must happen first, such as a person's
 * word. The run is recorded as suspended, its process may end, and it goes on when it is resumed.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/core";
 * import * as Schema from "effect/Schema";
 *
 * class LabelsNotThere extends Schema.TaggedError<LabelsNotThere>()("LabelsNotThere", {}) {
 *   readonly [Stage.suspends] = true;
 * }
 * ```
 */
export { suspends } from "../internal/marks.ts";

export { StageInvalid } from "../internal/definition.ts";

/** What a stage needs of the machine while it runs. The engine never gives away more than there is. */
export interface Resources {
  /** `all`: every core there is, so that nothing else runs beside it; 0: it mostly waits. */
  readonly cores: number | "all";
  readonly memoryBytes: number;
}

/** What every stage has, whatever its types. The engine and the graph read this. */
export interface StageInfo {
  readonly name: string;
  readonly description: string;
  readonly inputs: Fields;
  /** One schema, or one for each named output. */
  readonly output: { readonly single: Fields[string] } | { readonly ports: Fields };
  readonly signals: { readonly [name: string]: Signal };
  /** Declared parameters: part of the cache key, shown on the graph, never secrets. */
  readonly params: Schema.Json;
  /** `never` for stages that act on the outside world, such as a deployment. */
  readonly cache: "content" | "never";
  /** Environment variables that the result depends on: their values are part of the cache key. */
  readonly environment: ReadonlyArray<string>;
  /** What the stage needs of the machine while it runs. */
  readonly resources: Resources;
  /** What a view should know: `each` fans out over items, `approval` waits for a person. */
  readonly kind: "stage" | "each" | "choice" | "approval";
  /** Of a stage that fans out: the input that holds the items, and the stage that takes one. */
  readonly each?: { readonly input: string; readonly stage: StageInfo };
  /** Where {@link make} was called. */
  readonly definedAt: CallSite | undefined;
  /** The calls that led there, the innermost first: from the library to the author's file. */
  readonly frames: ReadonlyArray<CallSite>;
  /** Digest of the charter the stage was built for, if it was. */
  readonly charter: string | undefined;
}

/**
 * A stage. Call it inside {@link Pipeline.make} to add it to the graph; call `run` to run it.
 *
 * @typeParam In - a record of the inputs' types
 * @typeParam Out - the output's type, or {@link Ports} of named outputs
 * @typeParam Signals - a record of the payloads of the signals it may emit
 * @typeParam E - its errors
 * @typeParam R - the services it needs
 */
export type Stage<In, Out, Signals, E, R> = Call<In, Out, Signals, E, R> &
  Typed<In, Out, Signals, E, R> & {
    /** Runs the stage on values. Fails with {@link InputMismatch} if one does not fit. */
    readonly run: (input: In) => Effect.Effect<Value<Out>, E | InputMismatch, R>;
  };

/**
 * What combinators take and infer from: a stage whose type has a name of its own is no `Stage<…>` whose
 * arguments the compiler would find, and from its call it finds no errors and needs.
 */
export interface Typed<in In, out Out, out Signals, out E, out R> {
  readonly info: StageInfo;
  /** Only in types. */
  readonly "~ml-pipe/types"?: {
    readonly input: (input: In) => void;
    readonly output: Out;
    readonly signals: Signals;
    readonly error: E;
    readonly needs: R;
  };
}

/** What a stage reads beside its inputs, as JSON. */
export type Fingerprint<In, E, R> =
  | Effect.Effect<Schema.Json, E, R>
  | ((input: In) => Effect.Effect<Schema.Json, E, R>);

/** What the author of a stage writes, beside its outputs. */
interface Common<I extends Fields, S, E, R, A> {
  readonly description?: string;
  readonly input: I;
  readonly params?: Schema.Json;
  readonly cache?: "content" | "never";
  /**
   * Environment variables that the result depends on: their values are part of the cache key. Not for
   * secrets: read those with `Config.Redacted` inside `run`.
   */
  readonly environment?: ReadonlyArray<string>;
  /** Default: one core and no memory worth counting. */
  readonly resources?: Needs;
  /**
   * What the stage reads beside its inputs, such as the digest of a source file, as JSON; a function of
   * the inputs if it depends on them. Part of the cache key: a stage that reads anything undeclared is
   * cached wrongly.
   */
  readonly fingerprint?: Fingerprint<TypesOf<I>, E, R>;
  /** The charter the stage was built for; a pipeline with another one refuses it. */
  readonly charter?: { readonly digest: string };
  readonly run: (input: TypesOf<I>, context: StageContext<S>) => Effect.Effect<A, E, R>;
}

interface Emitting<S> {
  readonly signals: { readonly [K in keyof S]: Signal<string, S[K]> };
}

/** A type of its own: where nothing infers the signals, errors and needs would be lost with them. */
interface Silent {
  readonly signals?: never;
}

/**
 * Defines a stage. `output` is one schema; `outputs` names several. Throws {@link StageInvalid} for a
 * definition that cannot work, such as an output named `signals`.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 *
 * const double = Stage.make("double", {
 *   input: { n: Schema.Finite },
 *   output: Schema.Finite,
 *   run: ({ n }) => Effect.succeed(n * 2),
 * });
 * const four = double.run({ n: 2 }); // Effect<number, InputMismatch>
 * ```
 */
export const make: {
  <const I extends Fields, T, E = never, R = never>(
    name: string,
    definition: Common<I, {}, E, R, NoInfer<T>> &
      Silent & { readonly output: Schema.ConstraintCodec<T, unknown> },
  ): Stage<TypesOf<I>, T, {}, E, R>;
  <const I extends Fields, const O extends Fields, E = never, R = never>(
    name: string,
    definition: Common<I, {}, E, R, NoInfer<TypesOf<O>>> & Silent & { readonly outputs: O },
  ): Stage<TypesOf<I>, Ports<TypesOf<O>>, {}, E, R>;
  <const I extends Fields, T, S, E = never, R = never>(
    name: string,
    definition: Common<I, S, E, R, NoInfer<T>> &
      Emitting<S> & { readonly output: Schema.ConstraintCodec<T, unknown> },
  ): Stage<TypesOf<I>, T, S, E, R>;
  <const I extends Fields, const O extends Fields, S, E = never, R = never>(
    name: string,
    definition: Common<I, S, E, R, NoInfer<TypesOf<O>>> & Emitting<S> & { readonly outputs: O },
  ): Stage<TypesOf<I>, Ports<TypesOf<O>>, S, E, R>;
} = <I extends Fields, E, R, S>(
  name: string,
  definition: Common<I, S, E, R, unknown> &
    Partial<Emitting<S>> & {
      readonly output?: Fields[string];
      readonly outputs?: Fields;
    },
): never => {
  const { input, output, outputs, charter } = definition;
  const frames = callSites(make);
  const info: StageInfo = {
    name,
    description: definition.description ?? "",
    inputs: input,
    output: output === undefined ? { ports: outputs ?? {} } : { single: output },
    signals: definition.signals ?? {},
    params: definition.params ?? null,
    cache: definition.cache ?? "content",
    environment: definition.environment ?? [],
    resources: resourcesOf(name, definition.resources),
    kind: "stage",
    definedAt: frames[0],
    frames,
    charter: charter?.digest,
  };
  const { fingerprint = Effect.succeed(null) } = definition;
  return assemble(info, (info) => {
    const check = inputCheck(info);
    const context = contextOf<S>(info);
    const run = Effect.fnUntraced(function* (value: TypesOf<I>) {
      yield* check(value);
      const work = definition.run(value, context(yield* Reporter, yield* CurrentStoppable));
      // Whoever runs other stages answers for them.
      return yield* Effect.provideService(work, CurrentStoppable, neverAsked);
    });
    return { info, run, fingerprint };
  });
};

/**
 * The same stage under another name, for a pipeline that uses it twice.
 *
 * @example
 * ```ts
 * import { Stage } from "@ml-pipe/core";
 * import * as Effect from "effect/Effect";
 * import * as Schema from "effect/Schema";
 *
 * const one = Stage.make("one", { input: {}, output: Schema.Int, run: () => Effect.succeed(1) });
 * const another = Stage.named("another", one);
 * ```
 */
export const named = <S extends { readonly info: StageInfo }>(name: string, stage: S): S =>
  assemble({ ...stage.info, name }, implementOf(stage));

/**
 * A stage made of another one: the same inputs and outputs, another behaviour or other facts about
 * it. For the combinators; authors use those.
 */
export const derive = (
  stage: { readonly info: StageInfo },
  change: {
    readonly info?: (info: StageInfo) => Partial<StageInfo>;
    readonly implement?: (
      implementation: Implementation,
      info: StageInfo,
    ) => Partial<Implementation>;
  },
): never => {
  const implement = implementOf(stage);
  const info = { ...stage.info, ...change.info?.(stage.info) };
  return assemble(info, (info) => {
    const implementation = implement(info);
    return { ...implementation, ...change.implement?.(implementation, info) };
  });
};

/** A stage's behaviour with its types forgotten: what a node of the graph carries. */
export interface Implementation<out E = unknown, out R = unknown> {
  readonly info: StageInfo;
  readonly run: (input: Record<string, unknown>) => Effect.Effect<unknown, E, R>;
  readonly fingerprint: Fingerprint<Record<string, unknown>, E, R>;
}

/** Makes the behaviour of a stage for what is said about it, such as its name in errors. */
type Implement = (info: StageInfo) => {
  readonly info: StageInfo;
  readonly run: (input: never) => Effect.Effect<unknown, unknown, unknown>;
  readonly fingerprint: Fingerprint<never, unknown, unknown>;
};

const behaviours = new WeakMap<object, (info: StageInfo) => Implementation>();

/** The behaviour of a stage, under what is said about it. */
export const implementOf = (stage: object) => {
  const found = behaviours.get(stage);
  if (found === undefined) throw new TypeError("not a stage: make it with Stage.make");
  return found;
};

/** Puts the callable and its properties together: the one place where a stage's types are asserted. */
export const assemble = (info: StageInfo, implement: Implement): never => {
  checkDefinition(info);
  const behaviour = implement as (info: StageInfo) => Implementation;
  const call = (inputs: { readonly [port: string]: Traced } = {}) =>
    addNode({ info, implement: behaviour, inputs, calledAt: callSite(call) });
  const stage = Object.assign(call, { info, run: behaviour(info).run });
  behaviours.set(stage, behaviour);
  return stage as never;
};

const decodersOf = (inputs: Fields) =>
  Object.entries(inputs).map(([port, schema]) => ({
    port,
    decode: Schema.decodeUnknownEffect(Schema.toType(schema), { errors: "all" }),
  }));

/** Compiled once, whatever names a stage goes by. */
const decoders = new WeakMap<Fields, ReturnType<typeof decodersOf>>();

/** Checks values against the schemas of a stage's inputs; compiled when the stage first runs. */
export const inputCheck = ({ name: stage, inputs }: StageInfo) =>
  Effect.fnUntraced(function* (input: { readonly [port: string]: unknown }) {
    const found = decoders.get(inputs) ?? decodersOf(inputs);
    decoders.set(inputs, found);
    for (const { port, decode } of found) {
      yield* Effect.mapError(
        decode(input[port]),
        ({ message }) =>
          new InputMismatch({
            stage,
            input: port,
            problem: input[port] === undefined ? "nothing was given" : message,
          }),
      );
    }
  });

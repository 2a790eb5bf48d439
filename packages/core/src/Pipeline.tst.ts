import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { expectTypeOf, it } from "vitest";
import * as Charter from "./Charter.ts";
import * as Column from "./Column.ts";
import * as Contract from "./Contract.ts";
import { Engine, type EngineError } from "./Engine.ts";
import * as Hook from "./Hook.ts";
import { charter, charterWith } from "./internal/charter.fixture.ts";
import * as Pipeline from "./Pipeline.ts";
import type * as Ref from "./Ref.ts";
import * as Signal from "./Signal.ts";
import * as Stage from "./Stage.ts";
import * as Verdict from "./Verdict.ts";

/** Stands for a table: its contract and its role are part of its type. */
const table = <C extends string, R extends string>(contract: C, role: R) =>
  Schema.Struct({ contract: Schema.Literal(contract), role: Schema.Literal(role) });

const Drift = Signal.make("DataDrift", {
  description: "PSI",
  payload: Schema.Struct({ column: Schema.String }),
});

class ReadError extends Schema.TaggedError<ReadError>()("ReadError", {}) {}
class FitError extends Schema.TaggedError<FitError>()("FitError", {}) {}
class Disk extends Context.Service<Disk, object>()("test/Disk") {}
class Gpu extends Context.Service<Gpu, object>()("test/Gpu") {}

const split = Stage.make("split", {
  input: {},
  outputs: { train: table("flight", "train"), test: table("flight", "test") },
  run: () =>
    Effect.gen(function* () {
      yield* Disk;
      return yield* new ReadError();
    }),
});
const routes = Stage.make("routes", {
  input: {},
  output: table("route", "train"),
  run: () => Effect.succeed({ contract: "route", role: "train" } as const),
});
const train = Stage.make("train", {
  input: { data: table("flight", "train") },
  output: Schema.String,
  run: () =>
    Effect.gen(function* () {
      yield* Gpu;
      return yield* new FitError();
    }),
});
const judge = Stage.make("judge", {
  input: { model: Schema.String, data: table("flight", "test") },
  output: Verdict.Verdict,
  signals: { drift: Drift },
  run: (): Effect.Effect<Verdict.Verdict> => Effect.never,
});
const deploy = Stage.make("deploy", {
  input: { model: Schema.String, verdict: Verdict.Passed },
  output: Schema.String,
  run: ({ model }) => Effect.succeed(model),
});

it("a pipeline that is wired well compiles, and its outputs have their types", () => {
  const pipeline = Pipeline.make("delays", { charter }, () => {
    const parts = split();
    const model = train({ data: parts.train });
    const verdict = Verdict.gate({ verdict: judge({ model, data: parts.test }) });
    return { release: deploy({ model, verdict }), test: parts.test };
  });
  expectTypeOf<Pipeline.OutputsOf<typeof pipeline>>().toEqualTypeOf<{
    readonly release: string;
    readonly test: { readonly contract: "flight"; readonly role: "test" };
  }>();
});

it("a test table does not train, nor a train table evaluate", () => {
  Pipeline.make("delays", { charter }, () => {
    const parts = split();
    // @ts-expect-error Type '"test"' is not assignable to type '"train"'
    const model = train({ data: parts.test });
    // @ts-expect-error Type '"train"' is not assignable to type '"test"'
    return { verdict: judge({ model, data: parts.train }) };
  });
});

it("a table under another contract does not fit", () => {
  Pipeline.make("delays", { charter }, () => ({
    // @ts-expect-error Type '"route"' is not assignable to type '"flight"'
    model: train({ data: routes() }),
  }));
});

it("all inputs are wired, and no others", () => {
  Pipeline.make("delays", { charter }, () => {
    const parts = split();
    const model = train({ data: parts.train });
    // @ts-expect-error Property 'data' is missing
    judge({ model });
    // @ts-expect-error Expected 1 arguments, but got 0
    train();
    // @ts-expect-error is not assignable to type 'never'
    train({ data: parts.train, labels: parts.test });
    // @ts-expect-error Expected 0 arguments, but got 1
    split({ data: parts.train });
    // @ts-expect-error 'contract' does not exist in type 'Ref<
    train({ data: { contract: "flight", role: "train" } });
    // @ts-expect-error Property 'validation' does not exist
    return { model, validation: parts.validation };
  });
});

it("only a passed verdict deploys", () => {
  Pipeline.make("delays", { charter }, () => {
    const parts = split();
    const model = train({ data: parts.train });
    const verdict = judge({ model, data: parts.test });
    // @ts-expect-error Type '"inconclusive"' is not assignable to type '"passed"'
    const release = deploy({ model, verdict });
    // @ts-expect-error Property 'verdict' is missing
    return { release, unjudged: deploy({ model }) };
  });
  const rejected: Verdict.Verdict<"rejected"> = Object.create(null);
  // @ts-expect-error Type '"rejected"' is not assignable to type '"passed"'
  deploy.run({ model: "m", verdict: rejected });
});

it("a pipeline has a charter", () => {
  // @ts-expect-error Property 'charter' is missing
  Pipeline.make("delays", {}, () => ({ test: split().test }));
  // @ts-expect-error Expected 3 arguments, but got 2
  Pipeline.make("delays", () => ({ test: split().test }));
});

it("a charter has a baseline, a gain worth shipping, a kill date and an owner", () => {
  const options: Charter.CharterOptions = Object.create(null);
  const { baseline: _, ...noBaseline } = options;
  // @ts-expect-error Property 'baseline' is missing
  Charter.make(noBaseline);
  const { smallestGain: __, ...noGain } = options;
  // @ts-expect-error Property 'smallestGain' is missing
  Charter.make(noGain);
  const { kill: ___, ...noEnd } = options;
  // @ts-expect-error Property 'kill' is missing
  Charter.make(noEnd);
  const { owner: ____, ...nobody } = options;
  // @ts-expect-error Property 'owner' is missing
  Charter.make(nobody);
  charterWith({});
});

const delays = () =>
  Pipeline.make("delays", { charter }, () => {
    const parts = split();
    const model = train({ data: parts.train });
    return { verdict: Verdict.gate({ verdict: judge({ model, data: parts.test }) }) };
  });

it("errors and requirements accumulate along the graph", () => {
  expectTypeOf(delays).returns.toExtend<
    Pipeline.Pipeline<unknown, ReadError | FitError | Verdict.GateClosed, Disk | Gpu>
  >();
  type Errors = ReturnType<typeof delays> extends Pipeline.Pipeline<unknown, infer E> ? E : never;
  expectTypeOf<Errors>().toEqualTypeOf<ReadError | FitError | Verdict.GateClosed>();
  type Needs =
    ReturnType<typeof delays> extends Pipeline.Pipeline<unknown, unknown, infer R> ? R : never;
  expectTypeOf<Needs>().toEqualTypeOf<Disk | Gpu>();
});

it("a pipeline whose service is missing does not run", () => {
  const run = Engine.use((engine) => engine.run(delays()));
  expectTypeOf(run).toExtend<
    Effect.Effect<
      unknown,
      ReadError | FitError | Verdict.GateClosed | EngineError,
      Engine | Disk | Gpu
    >
  >();
  const provided = run.pipe(Effect.provideService(Engine, Object.create(null)));
  // @ts-expect-error Type 'Disk' is not assignable to type 'never'
  Effect.runPromise(provided);
  const disk = provided.pipe(Effect.provideService(Disk, {}));
  // @ts-expect-error Type 'Gpu' is not assignable to type 'never'
  Effect.runPromise(disk);
  const all = disk.pipe(Effect.provideService(Gpu, {}));
  expectTypeOf(all).toExtend<Effect.Effect<unknown, unknown>>();
});

it("a hook hangs on a signal that the stage emits", () => {
  const hook = Hook.rerun({ armAt: 1 });
  Pipeline.make("delays", { charter }, () => {
    const parts = split();
    const model = train({ data: parts.train });
    const verdict = judge({ model, data: parts.test });
    expectTypeOf(verdict.signals.drift).toEqualTypeOf<Ref.SignalRef<{ readonly column: string }>>();
    Pipeline.feedback({ on: verdict.signals.drift, to: model, hook });
    // @ts-expect-error Property 'drop' does not exist
    Pipeline.feedback({ on: verdict.signals.drop, hook });
    // @ts-expect-error Property 'drift' does not exist
    Pipeline.feedback({ on: model.signals.drift, hook });
    // @ts-expect-error is missing the following properties from type 'SignalRef<unknown>'
    Pipeline.feedback({ on: verdict, hook });
    const perRow = (_: Ref.SignalRef<{ readonly row: number }>) => {};
    // @ts-expect-error Property 'row' is missing
    perRow(verdict.signals.drift);
    return { verdict };
  });
});

it("a column is known at the decision unless it says otherwise, also inside a contract", () => {
  const Flight = Contract.make("flight", {
    version: "1",
    owner: "ops",
    columns: {
      at: Column.timestamp(),
      distance: Column.float({ unit: "mi", nullable: true }),
      delay: Column.int({ availableAt: "outcome" }),
    },
    eventTime: "at",
  });
  expectTypeOf<Contract.ColumnsAt<typeof Flight, "decision">>().toEqualTypeOf<"at" | "distance">();
  expectTypeOf<Contract.ColumnsAt<typeof Flight, "outcome">>().toEqualTypeOf<"delay">();
  expectTypeOf<Contract.Row<typeof Flight>>().toEqualTypeOf<{
    readonly at: Date;
    readonly distance: number | null;
    readonly delay: number;
  }>();
  Contract.make("flight", {
    version: "1",
    owner: "ops",
    columns: { at: Column.timestamp(), delay: Column.int() },
    // @ts-expect-error Type '"delay"' is not assignable to type '"at"'
    eventTime: "delay",
  });
});

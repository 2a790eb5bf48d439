import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { describe, expectTypeOf, it } from "vitest";
import type { ArtifactStore } from "../Artifact.ts";
import { charter } from "../internal/charter.fixture.ts";
import * as Pipeline from "../Pipeline.ts";
import type * as Ref from "../Ref.ts";
import * as Signal from "../Signal.ts";
import * as Stage from "../Stage.ts";
import type * as StoredList from "../StoredList.ts";

class TooFew extends Schema.TaggedError<TooFew>()("TooFew", {}) {}
class Rates extends Context.Service<Rates, { readonly of: (id: string) => number }>()("Rates") {}

const Store = Schema.Struct({ id: Schema.String, rows: Schema.Int });
const Drift = Signal.make("Drift", { description: "", payload: Schema.Struct({}) });

const train = Stage.make("train", {
  input: { store: Store, depth: Schema.Int },
  outputs: { model: Schema.String, score: Schema.Finite },
  signals: { drift: Drift },
  run: ({ store }): Effect.Effect<{ model: string; score: number }, TooFew, Rates> =>
    Effect.map(Rates, (rates) => ({ model: store.id, score: rates.of(store.id) })),
});
const trainAll = Stage.forEach("train-all", train, { each: "store", key: ({ id }) => id });

const stores = Stage.make("stores", {
  input: {},
  output: Schema.Array(Store),
  run: () => Effect.succeed([]),
});
const depth = Stage.make("depth", { input: {}, output: Schema.Int, run: () => Effect.succeed(1) });
const names = Stage.make("names", {
  input: {},
  output: Schema.Array(Schema.String),
  run: () => Effect.succeed([]),
});

describe("Stage.forEach", () => {
  it("takes a list in the place of one input, and the others as they are", () => {
    expectTypeOf(trainAll.run).parameter(0).toEqualTypeOf<{
      readonly store: ReadonlyArray<{ readonly id: string; readonly rows: number }>;
      readonly depth: number;
    }>();
  });

  it("gives the outputs by key, with the errors, needs and signals of the stage", () => {
    type Given = Effect.Success<ReturnType<typeof trainAll.run>>;
    expectTypeOf<Given["items"][number]>().toEqualTypeOf<{
      readonly key: string;
      readonly value: { readonly model: string; readonly score: number };
    }>();
    expectTypeOf<Given["quarantined"][number]["failure"]["tag"]>().toEqualTypeOf<string>();
    type E = Effect.Error<ReturnType<typeof trainAll.run>>;
    expectTypeOf<Extract<E, TooFew | Stage.ItemsFailed | Stage.ItemsInvalid>>().toEqualTypeOf<
      TooFew | Stage.ItemsFailed | Stage.ItemsInvalid
    >();
    expectTypeOf<Effect.Services<ReturnType<typeof trainAll.run>>>().toEqualTypeOf<Rates>();
    const pipeline = Pipeline.make("p", { charter }, () => {
      const trained = trainAll({ store: stores(), depth: depth() });
      expectTypeOf(trained.signals.drift).toEqualTypeOf<Ref.SignalRef<{}>>();
      return { trained };
    });
    type Outputs = Pipeline.OutputsOf<typeof pipeline>;
    expectTypeOf<Outputs["trained"]>().toEqualTypeOf<Given>();
  });

  it("takes a stored list in the place of an array, and gives one, where it is told to", () => {
    const stored = Stage.forEachStored("all", train, { each: "store", key: ({ id }) => id });
    expectTypeOf(stored.run).parameter(0).toEqualTypeOf<{
      readonly store: StoredList.StoredList<{ readonly id: string; readonly rows: number }>;
      readonly depth: number;
    }>();
    type Given = Effect.Success<ReturnType<typeof stored.run>>;
    expectTypeOf<Given["items"]>().toEqualTypeOf<
      StoredList.StoredList<Stage.Item<{ readonly model: string; readonly score: number }>>
    >();
    expectTypeOf<Effect.Services<ReturnType<typeof stored.run>>>().toEqualTypeOf<
      Rates | ArtifactStore
    >();
    Pipeline.make("p", { charter }, () => {
      // @ts-expect-error is not assignable to
      const wrong = stored({ store: stores(), depth: depth() });
      return { wrong };
    });
  });

  it("refuses an input that the stage does not have", () => {
    // @ts-expect-error Did you mean '"store"'?
    Stage.forEach("a", train, { each: "stores", key: () => "" });
  });

  it("asks for a key that is text, made of an item", () => {
    // @ts-expect-error Type 'number' is not assignable to type 'string'
    Stage.forEach("a", train, { each: "store", key: ({ rows }) => rows });
    // @ts-expect-error Property 'name' does not exist
    Stage.forEach("a", train, { each: "store", key: ({ name }) => name });
  });

  it("knows three ways to go on after a failure", () => {
    const options = { each: "store", key: ({ id }: { id: string }) => id } as const;
    // @ts-expect-error Type '"ignore"' is not assignable to type 'OnFailure'
    Stage.forEach("a", train, { ...options, onFailure: "ignore" });
    // @ts-expect-error Property 'atMostShare' is missing
    Stage.forEach("a", train, { ...options, onFailure: { quarantine: {} } });
  });

  it("is wired like any stage: items of the right kind, and no input missing", () => {
    Pipeline.make("p", { charter }, () => {
      // @ts-expect-error is not assignable to
      const wrong = trainAll({ store: names(), depth: depth() });
      // @ts-expect-error Property 'depth' is missing
      const missing = trainAll({ store: stores() });
      return { wrong, missing };
    });
  });
});

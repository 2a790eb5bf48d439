import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { expectTypeOf, it } from "vitest";
import * as Signal from "./Signal.ts";
import * as Stage from "./Stage.ts";

class Urn extends Context.Service<Urn, { readonly draw: Effect.Effect<number> }>()("test/Urn") {}
class Empty extends Schema.TaggedError<Empty>()("Empty", {}) {}

it("infers errors and needs of a generator that uses its context", () => {
  const stage = Stage.make("draw", {
    input: { times: Schema.Int },
    output: Schema.Finite,
    run: Effect.fn(function* ({ times }, { progress }) {
      yield* progress({ label: `${times}` });
      if (times === 0) return yield* new Empty();
      return yield* (yield* Urn).draw;
    }),
  });
  expectTypeOf(stage.run({ times: 1 })).toEqualTypeOf<
    Effect.Effect<number, Empty | Stage.InputMismatch, Urn>
  >();
});

it("infers them beside signals and named outputs", () => {
  const moved = Signal.make("Moved", { description: "", payload: Schema.Int });
  const stage = Stage.make("draw", {
    input: {},
    outputs: { n: Schema.Finite },
    signals: { moved },
    run: Effect.fn(function* (_, { emit }) {
      yield* emit("moved", { at: new Date(0), value: 1, payload: 1 });
      return { n: yield* (yield* Urn).draw };
    }),
  });
  expectTypeOf(stage.run({})).toEqualTypeOf<
    Effect.Effect<{ readonly n: number }, Stage.InputMismatch, Urn>
  >();
});

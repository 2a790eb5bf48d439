import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { expectTypeOf, it } from "vitest";
import * as Signal from "./Signal.ts";
import * as Stage from "./Stage.ts";

const Drift = Signal.make("DataDrift", {
  description: "PSI",
  payload: Schema.Struct({ column: Schema.String }),
});

it("run has the stage's own input, output, error and requirements", () => {
  const fails = Stage.make("fails", {
    input: { n: Schema.Int },
    outputs: { model: Schema.String, rows: Schema.Int },
    run: () => Effect.fail("no" as const),
  });
  expectTypeOf(fails.run).toEqualTypeOf<
    (input: {
      readonly n: number;
    }) => Effect.Effect<
      { readonly model: string; readonly rows: number },
      "no" | Stage.InputMismatch
    >
  >();
});

it("run takes every input, each of its type", () => {
  const take = Stage.make("take", {
    input: { n: Schema.Int, role: Schema.Literal("train") },
    output: Schema.Int,
    run: ({ n }) => Effect.succeed(n),
  });
  // @ts-expect-error Property 'role' is missing
  take.run({ n: 1 });
  // @ts-expect-error '"test"' is not assignable to type '"train"'
  take.run({ n: 1, role: "test" });
});

it("run of the definition must return what the output promises", () => {
  const input = {};
  Stage.make("text", {
    input,
    output: Schema.Int,
    // @ts-expect-error Type 'string' is not assignable to type
    run: () => Effect.succeed("1"),
  });
  Stage.make("half", {
    input,
    outputs: { a: Schema.Int, b: Schema.Int },
    // @ts-expect-error Property 'b' is missing
    run: () => Effect.succeed({ a: 1 }),
  });
});

it("only declared signals are emitted, with their payload", () => {
  const at = new Date(0);
  Stage.make("watch", {
    input: {},
    output: Schema.Void,
    signals: { drift: Drift },
    run: (_, { emit }) =>
      Effect.gen(function* () {
        yield* emit("drift", { at, value: 1, payload: { column: "delay" } });
        // @ts-expect-error '"drop"' is not assignable to parameter of type '"drift"'
        yield* emit("drop", { at, value: 1, payload: { column: "delay" } });
        // @ts-expect-error Type 'number' is not assignable to type 'string'
        yield* emit("drift", { at, value: 1, payload: { column: 7 } });
        // @ts-expect-error Property 'value' is missing
        yield* emit("drift", { at, payload: { column: "delay" } });
      }),
  });
  Stage.make("quiet", {
    input: {},
    output: Schema.Void,
    // @ts-expect-error is not assignable to parameter of type 'never'
    run: (_, { emit }) => emit("drift", { at, value: 1, payload: null }),
  });
});

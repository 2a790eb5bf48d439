import * as Effect from "effect/Effect";
import * as Schedule from "effect/Schedule";
import * as Schema from "effect/Schema";
import { describe, expectTypeOf, it } from "vitest";
import { charter } from "../internal/charter.fixture.ts";
import * as Pipeline from "../Pipeline.ts";
import type * as Ref from "../Ref.ts";
import * as Stage from "../Stage.ts";
import type { Store, StoreError } from "../Store.ts";

class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {}) {}
class Busy extends Schema.TaggedError<Busy>()("Busy", {}) {}

const fetchRows = Stage.make("fetch", {
  input: {},
  output: Schema.Int,
  run: (): Effect.Effect<number, Unreachable | Busy> => Effect.fail(new Busy()),
});

describe("Stage.retry", () => {
  it("takes schedules for the tags of the stage's errors, and no others", () => {
    expectTypeOf(Stage.retry(fetchRows, { Busy: Schedule.forever })).toEqualTypeOf(fetchRows);
    // @ts-expect-error 'Bussy' does not exist in type
    Stage.retry(fetchRows, { Bussy: Schedule.forever });
  });
});

describe("Stage.timeout", () => {
  it("adds its error to the stage's", () => {
    const bounded = Stage.timeout(fetchRows, "1 minute");
    type E = Effect.Error<ReturnType<typeof bounded.run>>;
    expectTypeOf<E>().toEqualTypeOf<
      Unreachable | Busy | Stage.StageTimedOut | Stage.InputMismatch
    >();
  });
});

describe("a stage whose type has a name of its own", () => {
  type Fetch<A> = Stage.Stage<{ readonly from: string }, A, {}, Unreachable | Busy, Store>;
  const fetch = Stage.make("fetch", {
    input: { from: Schema.String },
    output: Schema.Int,
    run: (): Effect.Effect<number, Unreachable | Busy, Store> => Effect.fail(new Busy()),
  });
  const named: Fetch<number> = fetch;

  it("keeps its errors and needs in every combinator", () => {
    expectTypeOf(Stage.named("n", named)).toEqualTypeOf<Fetch<number>>();
    expectTypeOf(Stage.retry(named, { Busy: Schedule.forever })).toEqualTypeOf(fetch);
    const bounded = Stage.timeout(named, "1 minute");
    expectTypeOf(bounded).toEqualTypeOf(Stage.timeout(fetch, "1 minute"));
    const list = { each: "from", key: String } as const;
    expectTypeOf(Stage.forEach("e", named, list)).toEqualTypeOf(Stage.forEach("e", fetch, list));
    expectTypeOf(Stage.forEachStored("e", named, list)).toEqualTypeOf(
      Stage.forEachStored("e", fetch, list),
    );
    type E = Effect.Error<ReturnType<(typeof bounded)["run"]>>;
    expectTypeOf<E>().toEqualTypeOf<
      Unreachable | Busy | Stage.StageTimedOut | Stage.InputMismatch
    >();
    // @ts-expect-error 'Bussy' does not exist in type
    Stage.retry(named, { Bussy: Schedule.forever });
  });
});

const isLarge = Stage.make("is-large", {
  input: { n: Schema.Int },
  output: Schema.Boolean,
  run: () => Effect.succeed(true),
});

describe("Stage.when", () => {
  const one = fetchRows.info && Stage.named("one", fetchRows);

  it("carries the errors of the condition and of both branches", () => {
    const pipeline = Pipeline.make("p", { charter }, () => {
      const n = one();
      return {
        out: Stage.when("which", {
          if: isLarge({ n }),
          yes: () => n,
          no: () => Stage.timeout(Stage.named("two", fetchRows), "1 minute")(),
        }),
      };
    });
    expectTypeOf<Pipeline.OutputsOf<typeof pipeline>>().toEqualTypeOf<{ readonly out: number }>();
    type E = typeof pipeline extends Ref.Traced<infer E, unknown> ? E : never;
    expectTypeOf<E>().toEqualTypeOf<Unreachable | Busy | Stage.StageTimedOut>();
  });

  it("takes a condition that is yes or no, and branches of one type", () => {
    Pipeline.make("p", { charter }, () => {
      const n = one();
      const text = Stage.make("text", {
        input: {},
        output: Schema.String,
        run: () => Effect.succeed(""),
      });
      // @ts-expect-error Type 'number' is not assignable to type 'boolean'
      Stage.when("a", { if: n, yes: () => n, no: () => n });
      return {
        // @ts-expect-error Type 'string' is not assignable to type 'number'
        out: Stage.when("b", { if: isLarge({ n }), yes: () => n, no: () => text() }),
      };
    });
  });
});

describe("Stage.approval", () => {
  const signOff = Stage.approval("sign-off", {
    question: "?",
    evidence: Schema.Struct({ gain: Schema.Finite }),
    approvers: ["ana"],
    input: Schema.Struct({ percent: Schema.Int }),
  });

  it("takes the evidence it was made for, and gives what the approver is asked for", () => {
    expectTypeOf(signOff.run)
      .parameter(0)
      .toEqualTypeOf<{ readonly evidence: { readonly gain: number } }>();
    type Given = Effect.Success<ReturnType<typeof signOff.run>>;
    expectTypeOf<Given["input"]>().toEqualTypeOf<{ readonly percent: number }>();
    type Needs = Effect.Services<ReturnType<typeof signOff.run>>;
    expectTypeOf<Needs>().toEqualTypeOf<Store>();
    type E = Effect.Error<ReturnType<typeof signOff.run>>;
    expectTypeOf<Extract<E, StoreError>>().toEqualTypeOf<StoreError>();
  });
});

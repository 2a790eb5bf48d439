import { assert, describe, it } from "vitest";
import * as Effect from "effect/Effect";
import type * as Layer from "effect/Layer";
import * as Schedule from "effect/Schedule";
import * as Schema from "effect/Schema";
import { Column, Contract, Hook, Pipeline, Signal, Split, Stage, Validate } from "./index.ts";
import * as Testing from "./testing.ts";

type Services = Layer.Success<typeof Testing.layer>;

/** As with any test runner: nothing but a promise. */
const run = <A, E>(effect: Effect.Effect<A, E, Services>): Promise<A> =>
  Effect.runPromise(Effect.provide(effect, Testing.layer));

const Flight = Contract.make("flight", {
  version: "1.0.0",
  owner: "ops",
  columns: {
    at: Column.timestamp(),
    delay: Column.int({ unit: "min", min: -60, max: 600, availableAt: "outcome" }),
    origin: Column.string({ pattern: "[A-Z]{3}" }),
  },
  eventTime: "at",
});

const flights = (...delays: ReadonlyArray<number | null>) =>
  delays.map((delay, day) => ({ at: new Date(Date.UTC(2026, 0, 1 + day)), delay, origin: "SFO" }));

describe("a stage on a table of ten rows", () => {
  it("gets the rows as they were written", async () => {
    const found = await run(
      Effect.flatMap(Testing.table(Flight, "raw", flights(1, null)), Testing.rows),
    );
    assert.deepStrictEqual(found, flights(1, null));
    const none = await run(Effect.flatMap(Testing.table(Flight, "raw", []), Testing.rows));
    assert.deepStrictEqual(none, []);
    const Parcel = Contract.make("parcel", {
      version: "1.0.0",
      owner: "ops",
      columns: {
        tags: Column.list(Column.string({ nullable: true })),
        size: Column.struct({ cm: Column.float(), note: Column.string() }),
        shape: Column.embedding(2),
      },
    });
    const parcels = [
      { tags: ["it's", null], size: { cm: 1.5, note: "a" }, shape: [0, 1] },
      { tags: [], size: { cm: 2, note: "it's" }, shape: [3, 4] },
    ];
    assert.deepStrictEqual(
      await run(Effect.flatMap(Testing.table(Parcel, "raw", parcels), Testing.rows)),
      parcels,
    );
  });

  it("tells what it finds", async () => {
    const validate = Validate.table(Flight, { asOf: "2026-02-01" });
    const told = await run(
      Effect.gen(function* () {
        const data = yield* Testing.table(Flight, "raw", flights(1, 2, 9999));
        return yield* Testing.listen(validate.run({ data }));
      }),
    );
    assert.strictEqual(told.exit._tag, "Failure");
    assert.match(told.findings.map(({ check }) => check).join(), /delay/);
  });

  it("splits by time", async () => {
    const cuts = { validation: "2026-01-04", test: "2026-01-06", live: "2026-01-08" } as const;
    const parts = await run(
      Effect.gen(function* () {
        const data = yield* Testing.table(
          Flight,
          "checked",
          flights(1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
        );
        return yield* Split.byTime(Flight, { ...cuts, embargo: "1 day" }).run({ data });
      }),
    );
    assert.deepStrictEqual([parts.train.rows, parts.validation.rows, parts.test.rows], [2, 1, 1]);
  });
});

class Away extends Schema.TaggedError<Away>()("Away", {}) {}

describe("time", () => {
  it("is virtual: an hour of retries takes no time", async () => {
    let attempts = 0;
    const fetchRows = Stage.make("fetch", {
      input: {},
      output: Schema.Int,
      run: () =>
        Effect.suspend(() => (++attempts < 4 ? Effect.fail(new Away()) : Effect.succeed(attempts))),
    });
    const patient = Stage.retry(fetchRows, { Away: Schedule.spaced("20 minutes") });
    const told = await run(Testing.elapse("1 hour", Testing.listen(patient.run({}))));
    assert.deepStrictEqual(
      told.attempts.map(({ delayMs }) => delayMs),
      [1_200_000, 1_200_000, 1_200_000],
    );
    assert.strictEqual(told.exit._tag, "Success");
  });
});

const Gains = Schema.Struct({ gain: Schema.Finite });
const judge = Stage.make("judge", {
  input: {},
  output: Gains,
  run: () => Effect.succeed({ gain: 1 }),
});
const signOff = Stage.approval("sign-off", {
  question: "May it go out?",
  evidence: Gains,
  approvers: ["ana"],
  expiresAfter: "14 days",
});

describe("a pipeline", () => {
  const releasing = Pipeline.make("releasing", { charter: Testing.charter }, () => ({
    approval: signOff({ evidence: judge() }),
  }));

  it("waits for an approval, goes on, and asks again when that has expired", async () => {
    const seen = await run(
      Effect.gen(function* () {
        const first = yield* Testing.observe(releasing, { startedBy: "ben" });
        yield* Testing.approve(first.run, { as: "ana" });
        const second = yield* Testing.observe(releasing, { resume: first.run.id });
        const later = yield* Testing.elapse("15 days", Effect.sleep("15 days")).pipe(
          Effect.andThen(Testing.observe(releasing)),
        );
        return [first, second, later].map(({ statuses }) => statuses["sign-off"]);
      }),
    );
    assert.deepStrictEqual(seen, ["suspended", "succeeded", "suspended"]);
  });

  it("reuses what is unchanged", async () => {
    const statuses = await run(
      Effect.andThen(
        Testing.observe(releasing),
        Effect.map(Testing.observe(releasing), ({ statuses }) => statuses),
      ),
    );
    assert.deepStrictEqual(statuses, { judge: "cached", "sign-off": "suspended" });
  });

  it("shows what its hooks decide", async () => {
    const Drift = Signal.make("Drift", {
      description: "value: distance",
      payload: Schema.Struct({}),
    });
    const watch = Stage.make("watch", {
      input: { gains: Gains },
      output: Schema.Int,
      signals: { drift: Drift },
      run: (_, { emit }) =>
        Effect.as(
          Effect.forEach([0.1, 0.3, 0.4], (value, day) =>
            emit("drift", { at: new Date(day * 86_400_000), value, payload: {} }),
          ),
          3,
        ),
    });
    const watching = Pipeline.make("watching", { charter: Testing.charter }, () => {
      const seen = watch({ gains: judge() });
      Pipeline.feedback({ on: seen.signals.drift, hook: Hook.alert({ armAt: 0.2, confirm: 2 }) });
      return { seen };
    });
    const observed = await run(Testing.observe(watching));
    assert.deepStrictEqual(
      observed.run.hooks[0]?.decisions.map(({ act }) => act),
      [false, false, true],
    );
  });

  it("that cannot begin says why", async () => {
    const error = await run(Effect.flip(Testing.observe(releasing, { resume: "nope" })));
    assert.match(error.message, /"releasing" did not begin.*no such run/);
  });
});

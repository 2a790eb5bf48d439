import { assert, describe, it } from "@effect/vitest";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";
import * as Schema from "effect/Schema";
import { fileURLToPath } from "node:url";
import { charter } from "./internal/charter.fixture.ts";
import * as Signal from "./Signal.ts";
import * as Stage from "./Stage.ts";

const table = <R extends string>(role: R) =>
  Schema.Struct({ role: Schema.Literal(role), rows: Schema.Int }).annotate({
    title: `Table<${role}>`,
  });

const Drift = Signal.make("DataDrift", {
  description: "PSI",
  payload: Schema.Struct({ column: Schema.String, since: Schema.Date }),
});

const train = Stage.make("train", {
  description: "fits a model",
  input: { data: table("train") },
  output: Schema.Struct({ trees: Schema.Int }),
  params: { trees: 3 },
  charter,
  run: ({ data }) => Effect.succeed({ trees: data.rows }),
});

/** Runs an effect and gives the events that its stages told. */
const told = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const events: Array<Stage.StageEvent> = [];
    const report = (event: Stage.StageEvent) => Effect.sync(() => void events.push(event));
    yield* Effect.provideService(effect, Stage.Reporter, report);
    return events;
  });

describe("run", () => {
  it.effect("runs the stage on values, anywhere", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* train.run({ data: { role: "train", rows: 7 } }), { trees: 7 });
    }),
  );

  it.effect("refuses a value of the wrong role, built with a cast", () =>
    Effect.gen(function* () {
      let ran = false;
      const spy = Stage.make("spy", {
        input: { data: table("train") },
        output: Schema.Void,
        run: () => Effect.sync(() => void (ran = true)),
      });
      const test = { role: "test", rows: 7 };
      const error = yield* Effect.flip(spy.run({ data: test as { role: "train"; rows: number } }));
      assert.instanceOf(error, Stage.InputMismatch);
      assert.deepStrictEqual([error.stage, error.input], ["spy", "data"]);
      assert.match(error.message, /stage "spy" cannot take its input "data": Expected "train"/);
      const nothing = yield* Effect.flip(spy.run({} as { data: { role: "train"; rows: number } }));
      assert.match(nothing.message, /its input "data": nothing was given/);
      assert.isFalse(ran);
    }),
  );

  it.effect("names every problem of an input, a missing one too", () =>
    Effect.gen(function* () {
      const broken = { role: "test", rows: 0.5 } as unknown as { role: "train"; rows: number };
      const error = yield* Effect.flip(train.run({ data: broken }));
      assert.match(error.message, /\["role"\][^]*\["rows"\]/);
      const none = yield* Effect.flip(train.run({} as { data: typeof broken }));
      assert.match(none.message, /input "data"/);
    }),
  );

  it.effect("gives its errors and takes its services as they are", () =>
    Effect.gen(function* () {
      class Clock extends Context.Service<Clock, { readonly hour: number }>()("test/Clock") {}
      const late = Stage.make("late", {
        input: {},
        output: Schema.Int,
        run: () =>
          Effect.flatMap(Clock, ({ hour }) =>
            hour > 20 ? Effect.fail("late") : Effect.succeed(hour),
          ),
      });
      const at = (hour: number) => Layer.succeed(Clock, Clock.of({ hour }));
      assert.strictEqual(yield* late.run({}).pipe(Effect.provide(at(9))), 9);
      assert.strictEqual(yield* late.run({}).pipe(Effect.provide(at(21)), Effect.flip), "late");
    }),
  );
});

describe("what a stage tells", () => {
  const observe = (observation: { value: number; column: unknown; at?: Date }) =>
    Stage.make("watch", {
      input: {},
      output: Schema.Void,
      signals: { drift: Drift },
      run: (_, { emit }) =>
        emit("drift", {
          at: observation.at ?? new Date(0),
          value: observation.value,
          payload: { column: observation.column as string, since: new Date(1) },
        }),
    }).run({});

  it.effect("goes to the reporter in its order, a signal with its payload in JSON", () =>
    Effect.gen(function* () {
      const finding = {
        check: "c",
        severity: "warn",
        expected: "x",
        found: "y",
        next: "z",
      } as const;
      const exhibit = { _tag: "table", title: "t", columns: [], rows: [] } as const;
      const teller = Stage.make("teller", {
        input: {},
        output: Schema.Void,
        signals: { drift: Drift },
        run: (_, context) =>
          Effect.gen(function* () {
            yield* context.progress({ label: "half", share: 0.5, rows: 10 });
            yield* context.finding(finding);
            yield* context.exhibit(exhibit);
            const payload = { column: "delay", since: new Date(0) };
            yield* context.emit("drift", { at: new Date(5), value: 0.3, payload });
          }),
      });
      assert.deepStrictEqual(yield* told(teller.run({})), [
        { _tag: "Progress", progress: { label: "half", share: 0.5, rows: 10 } },
        { _tag: "Finding", finding },
        { _tag: "Exhibit", exhibit },
        {
          _tag: "Signal",
          emitted: {
            signal: "DataDrift",
            at: new Date(5),
            value: 0.3,
            payload: { column: "delay", since: "1970-01-01T00:00:00.000Z" },
          },
        },
      ]);
    }),
  );

  it.effect("a signal that could not be observed is a finding, never silence", () =>
    Effect.gen(function* () {
      const bad = [
        [observe({ value: NaN, column: "delay" }), /the value NaN/],
        [observe({ value: 1, column: 7 }), /another payload: Expected string/],
        [observe({ value: 1, column: "delay", at: new Date(NaN) }), /no instant/],
      ] as const;
      for (const [effect, found] of bad) {
        const [event, ...others] = yield* told(effect);
        assert.deepStrictEqual(others, []);
        assert.isTrue(event?._tag === "Finding");
        if (event?._tag !== "Finding") continue;
        assert.strictEqual(event.finding.check, "signal.DataDrift");
        assert.strictEqual(event.finding.severity, "fail");
        assert.match(event.finding.found, found);
      }
      const undeclared = Stage.make("liar", {
        input: {},
        output: Schema.Void,
        signals: { drift: Drift },
        run: (_, { emit }) =>
          (emit as (name: string, observation: object) => Effect.Effect<void>)("other", {
            at: new Date(0),
            value: 1,
          }),
      });
      const [event] = yield* told(undeclared.run({}));
      assert.include(JSON.stringify(event), "does not declare");
    }),
  );

  it.effect("is logged outside an engine: findings and signals, not progress", () =>
    Effect.gen(function* () {
      const lines: Array<string> = [];
      const logger = Logger.make(({ logLevel, message }) => {
        lines.push(`${logLevel} ${[message].flat().join(" ")}`);
      });
      const finding = { check: "c", expected: "x", found: "y", next: "z" };
      const teller = Stage.make("teller", {
        input: {},
        output: Schema.Void,
        signals: { drift: Drift },
        run: (_, context) =>
          Effect.gen(function* () {
            yield* context.progress({ label: "half" });
            yield* context.finding({ ...finding, severity: "fail" });
            yield* context.finding({ ...finding, severity: "info" });
            const payload = { column: "delay", since: new Date(0) };
            yield* context.emit("drift", { at: new Date(0), value: 0.3, payload });
          }),
      });
      yield* teller.run({}).pipe(Effect.provide(Logger.layer([logger])));
      assert.deepStrictEqual(lines, [
        "Warn fail c: expected x, found y. z",
        "Info info c: expected x, found y. z",
        "Warn signal DataDrift = 0.3",
      ]);
    }),
  );
});

describe("a definition", () => {
  it("is read by the engine and the graph", () => {
    const { info } = train;
    assert.deepStrictEqual(
      [info.name, info.description, info.params, info.cache, info.charter],
      ["train", "fits a model", { trees: 3 }, "content", charter.digest],
    );
    assert.strictEqual(info.definedAt?.file, fileURLToPath(import.meta.url));
    assert.isAbove(info.definedAt?.line ?? 0, 1);
  });

  it("can be used under another name", () => {
    const again = Stage.named("retrain", train);
    assert.deepStrictEqual(again.info, { ...train.info, name: "retrain" });
    assert.strictEqual(train.info.name, "train");
    assert.throws(() => Stage.named("x", (() => 0) as unknown as typeof train), /not a stage/);
  });

  it.effect("under another name complains under that name", () =>
    Effect.gen(function* () {
      const again = Stage.named("retrain", train);
      const error = yield* Effect.flip(again.run({} as { data: never }));
      assert.strictEqual(error.stage, "retrain");
    }),
  );

  it("that cannot work is refused at once", () => {
    const run = () => Effect.succeed({}) as Effect.Effect<never>;
    const outputs = (name: string) => () =>
      Stage.make("s", { input: {}, outputs: { [name]: Schema.Int }, run });
    assert.throws(outputs("signals"), /stage "s": its output cannot be called "signals"/);
    assert.throws(outputs("source"), Stage.StageInvalid);
    assert.throws(outputs("~ml-pipe/traced"), Stage.StageInvalid);
    assert.throws(outputs(""), /empty name/);
    assert.doesNotThrow(outputs("model"));
    assert.throws(() => Stage.make("s", { input: {}, outputs: {}, run }), /no output/);
    const output = Schema.Int;
    assert.throws(() => Stage.make("", { input: {}, output, run }), /its name is empty/);
    assert.throws(
      () => Stage.make("s", { input: {}, output, params: { alpha: [NaN] }, run }),
      /params are not JSON: cannot digest NaN at "\/alpha\/0"/,
    );
    assert.throws(
      () => Stage.make("s", { input: {}, output, signals: { a: Drift, b: Drift }, run }),
      /two of its signals have the same name/,
    );
  });

  it("refuses a parameter that looks like a secret, before it is recorded", () => {
    const run = () => Effect.succeed(1);
    const withParams = (params: Schema.Json) => () =>
      Stage.make("upload", { input: {}, output: Schema.Int, params, run });
    assert.throws(
      withParams({ hub: { apiKey: "sk-0123456789" } }),
      /stage "upload": its parameter "hub\.apiKey" looks like a secret.*Config\.Redacted/,
    );
    assert.throws(withParams({ DB_PASSWORD: "hunter2hunter2" }), Stage.StageInvalid);
    for (const params of [
      { maxTokens: 4_000_000_000 },
      { padToken: "<pad>" },
      { tokenizer: "cl100k_base" },
      { password: "" },
      { keys: ["apiKey", "password"] },
    ]) {
      assert.doesNotThrow(withParams(params));
    }
  });

  it("cannot be called outside a pipeline", () => {
    const source = Stage.make("source", {
      input: {},
      output: Schema.Int,
      run: () => Effect.succeed(1),
    });
    assert.throws(() => source(), /stage "source" was called outside Pipeline.make.*run\(input\)/);
  });
});

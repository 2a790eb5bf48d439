import { assert, describe, it } from "@effect/vitest";
import * as fs from "node:fs";
import * as path from "node:path";
import * as Clock from "effect/Clock";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Schema from "effect/Schema";
import * as TestClock from "effect/testing/TestClock";
import * as Approval from "./Approval.ts";
import * as Daemon from "./Daemon.ts";
import { charter } from "./internal/charter.fixture.ts";
import { mortal, type Mortal, oneLife, type Work } from "./internal/daemon/fake.fixture.ts";
import { engine, source, withCode } from "./internal/engine.fixture.ts";
import { temporaryFolder } from "./internal/folder.fixture.ts";
import * as Pipeline from "./Pipeline.ts";
import type { RunSummary } from "./Run.ts";
import * as Signal from "./Signal.ts";
import * as Stage from "./Stage.ts";
import { Store } from "./Store.ts";
import * as Trigger from "./Trigger.ts";

const pipelineOf = <R>(name: string, ...triggers: ReadonlyArray<Trigger.Trigger<R>>) =>
  Pipeline.make(name, { charter, triggers }, () => ({ one: source("one", 1).stage() }));

/** A daemon in the background; `kill` leaves everything as it is. */
const start = Effect.fnUntraced(function* <R>(options: Daemon.DaemonOptions<R>) {
  const events: Array<Daemon.DaemonEvent> = [];
  const onEvent = (event: Daemon.DaemonEvent) => Effect.sync(() => void events.push(event));
  const fiber = yield* Effect.forkChild(Daemon.run({ ...options, onEvent }));
  return { events, fiber, kill: Fiber.interrupt(fiber) };
});

const tags = (events: ReadonlyArray<Daemon.DaemonEvent>) => events.map(({ _tag }) => _tag);

/** `occurrence status` of each run that an occurrence caused, the oldest first. */
const ran = Effect.map(
  Effect.flatMap(Store, ({ runs }) => runs(1000)),
  (runs) => runs.toReversed().map((run) => `${occurrenceOf(run)} ${run.status}`),
);

const occurrenceOf = ({ causedBy }: RunSummary) =>
  causedBy !== undefined && "occurrence" in causedBy ? causedBy.occurrence : "";

const immortal: Mortal = { step: Effect.void, killed: Effect.never };

const fake = (work: Work = { millis: 0 }) => Effect.provide(oneLife(work, immortal));

const at = (minute: number) => new Date(minute * 60_000).toISOString();

const everyTen = (options: Trigger.CronOptions = {}) => Trigger.cron("*/10 * * * *", options);

describe("a daemon", () => {
  it.effect("runs at the instants of a calendar, and says what is next", () =>
    Effect.gen(function* () {
      const { events, kill } = yield* start({
        pipelines: [{ pipeline: pipelineOf("p", everyTen()) }],
      });
      yield* TestClock.adjust("9 minutes");
      assert.deepStrictEqual(yield* ran, []);
      yield* TestClock.adjust("21 minutes");
      yield* kill;
      assert.deepStrictEqual(
        yield* ran,
        [10, 20, 30].map((minute) => `${at(minute)} succeeded`),
      );
      assert.deepStrictEqual(tags(events).slice(0, 5), [
        "Next",
        "Due",
        "Next",
        "RunStarted",
        "RunEnded",
      ]);
      const [next, due] = events;
      assert.deepInclude(next, { at: new Date(600_000), trigger: "cron */10 * * * * UTC" });
      assert.deepInclude(due, { occurrence: at(10), pipeline: "p" });
    }).pipe(fake(), Effect.provide(Store.layerMemory)),
  );

  it.effect("runs a pipeline once at a time, and then once for all that came meanwhile", () => {
    const work: Work = { millis: 24 * 60_000 };
    return Effect.gen(function* () {
      const pipelines = [{ pipeline: pipelineOf("p", everyTen()) }];
      const { kill } = yield* start({ pipelines });
      yield* TestClock.adjust("61 minutes");
      yield* kill;
      assert.deepStrictEqual(yield* ran, [
        `${at(10)} succeeded`,
        `${at(30)} succeeded`,
        `${at(50)} interrupted`,
      ]);
      assert.strictEqual(work.atOnce, 1);
    }).pipe(fake(work), Effect.provide(Store.layerMemory));
  });

  it.effect("or once for each, if asked to", () => {
    const work: Work = { millis: 25 * 60_000 };
    return Effect.gen(function* () {
      const pipelines = [{ pipeline: pipelineOf("p", everyTen({ pending: "all" })) }];
      const { kill } = yield* start({ pipelines });
      yield* TestClock.adjust("86 minutes");
      yield* kill;
      assert.deepStrictEqual(yield* ran, [
        `${at(10)} succeeded`,
        `${at(20)} succeeded`,
        `${at(30)} succeeded`,
        `${at(40)} interrupted`,
      ]);
    }).pipe(fake(work), Effect.provide(Store.layerMemory));
  });

  it.effect("runs several pipelines side by side", () => {
    const work: Work = { millis: 60_000 };
    return Effect.gen(function* () {
      const pipelines = ["p", "q"].map((name) => ({ pipeline: pipelineOf(name, everyTen()) }));
      const { kill } = yield* start({ pipelines });
      yield* TestClock.adjust("12 minutes");
      yield* kill;
      assert.lengthOf(yield* ran, 2);
      assert.strictEqual(work.atOnce, 2);
    }).pipe(fake(work), Effect.provide(Store.layerMemory));
  });

  it.effect("goes on after a run that failed, and lets others pass one that waits", () => {
    const status = (occurrence: string) =>
      occurrence === at(10) ? "failed" : occurrence === at(20) ? "suspended" : "succeeded";
    return Effect.gen(function* () {
      const pipelines = [{ pipeline: pipelineOf("p", everyTen()) }];
      const { kill } = yield* start({ pipelines });
      yield* TestClock.adjust("31 minutes");
      yield* kill;
      assert.deepStrictEqual(yield* ran, [
        `${at(10)} failed`,
        `${at(20)} suspended`,
        `${at(30)} succeeded`,
      ]);
    }).pipe(fake({ millis: 0, status }), Effect.provide(Store.layerMemory));
  });

  it.effect("does not run twice where the clock goes back", () =>
    Effect.gen(function* () {
      const pipelines = [{ pipeline: pipelineOf("p", everyTen()) }];
      const first = yield* start({ pipelines });
      yield* TestClock.adjust("21 minutes");
      yield* TestClock.setTime(0);
      yield* TestClock.adjust("20 minutes");
      yield* first.kill;
      yield* TestClock.setTime(0);
      const second = yield* start({ pipelines });
      yield* TestClock.adjust("30 minutes");
      yield* second.kill;
      assert.deepStrictEqual(
        yield* ran,
        [10, 20, 30].map((minute) => `${at(minute)} succeeded`),
      );
    }).pipe(fake(), Effect.provide(Store.layerMemory)),
  );

  it.effect("stops when it is told to: the run that has begun ends, nothing else begins", () => {
    const work: Work = { millis: 25 * 60_000 };
    return Effect.gen(function* () {
      const stop = yield* Deferred.make<void>();
      const pipelines = [{ pipeline: pipelineOf("p", everyTen()) }];
      const { fiber } = yield* start({ pipelines, stop: Deferred.await(stop) });
      yield* TestClock.adjust("21 minutes");
      yield* Deferred.succeed(stop, undefined);
      yield* TestClock.adjust("13 minutes");
      assert.isUndefined(fiber.pollUnsafe());
      yield* TestClock.adjust("1 minute");
      yield* Fiber.join(fiber);
      assert.deepStrictEqual(yield* ran, [`${at(10)} succeeded`]);
      // What was waiting runs when the daemon is started again.
      const again = yield* start({ pipelines });
      yield* TestClock.adjust("1 minute");
      yield* again.kill;
      assert.deepStrictEqual(yield* ran, [`${at(10)} succeeded`, `${at(30)} interrupted`]);
    }).pipe(fake(work), Effect.provide(Store.layerMemory));
  });

  it.effect("tries again in a minute what could not begin, in the order in which it came", () => {
    let room = false;
    const refusal = () => (room ? undefined : new Error("no room on the disk"));
    return Effect.gen(function* () {
      const pipelines = [{ pipeline: pipelineOf("p", everyTen({ pending: "all" })) }];
      const { events, kill } = yield* start({ pipelines });
      yield* TestClock.adjust("21 minutes");
      room = true;
      yield* TestClock.adjust("2 minutes");
      yield* kill;
      assert.deepStrictEqual(yield* ran, [`${at(10)} succeeded`, `${at(20)} succeeded`]);
      const refused = events.filter(({ _tag }) => _tag === "NotRun");
      assert.lengthOf(refused, 12);
      assert.deepInclude(refused[11], { problem: "no room on the disk", occurrence: at(10) });
    }).pipe(fake({ millis: 0, refusal }), Effect.provide(Store.layerMemory));
  });

  it.effect("says once why it cannot look, and looks on", () =>
    Effect.gen(function* () {
      let count: Effect.Effect<number, Error> = Effect.fail(new Error("the source is away"));
      const trigger = Trigger.count("rows", { of: Effect.suspend(() => count), atLeast: 5 });
      const { events, kill } = yield* start({
        pipelines: [{ pipeline: pipelineOf("p", trigger) }],
      });
      yield* TestClock.adjust("1 minute");
      assert.deepStrictEqual(tags(events), ["LookFailed"]);
      assert.deepInclude(events[0], { problem: "the source is away" });
      count = Effect.succeed(100);
      yield* TestClock.adjust("5 seconds");
      count = Effect.succeed(105);
      yield* TestClock.adjust("5 seconds");
      count = Effect.die(new Error("broken"));
      yield* TestClock.adjust("1 minute");
      yield* kill;
      assert.deepStrictEqual(tags(events), [
        "LookFailed",
        "Due",
        "RunStarted",
        "RunEnded",
        "LookFailed",
      ]);
      assert.deepStrictEqual(yield* ran, ["105 (number 1) succeeded"]);
    }).pipe(fake(), Effect.provide(Store.layerMemory)),
  );
});

describe("each occurrence runs exactly once, wherever the daemon is killed", () => {
  const upTo = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }));

  /** Lives of a daemon, one after the other: how many minutes, and the step at which each is killed. */
  const live = Effect.fnUntraced(function* (
    lives: ReadonlyArray<{ readonly minutes: number; readonly killedAt: number }>,
    trigger: Trigger.Trigger<never>,
  ) {
    const pipelines = [{ pipeline: pipelineOf("p", trigger) }];
    for (const { minutes, killedAt } of [
      { minutes: 1, killedAt: Infinity },
      ...lives,
      { minutes: 90, killedAt: Infinity },
    ]) {
      const life = yield* mortal(killedAt);
      const daemon = yield* Effect.forkChild(
        Effect.raceFirst(Daemon.run({ pipelines, every: "5 minutes" }), life.killed).pipe(
          Effect.provide(oneLife({ millis: 60_000 }, life)),
        ),
      );
      yield* TestClock.adjust(`${minutes} minutes`);
      yield* Fiber.interrupt(daemon);
      // Nobody watches for a while.
      yield* TestClock.adjust("7 minutes");
    }
    return (yield* Clock.currentTimeMillis) / 60_000 - 7;
  });

  const lives = Schema.Array(Schema.Struct({ minutes: upTo(40), killedAt: upTo(25) })).check(
    Schema.isMaxLength(6),
  );

  it.effect.prop(
    "each of them, if each is wanted (property)",
    { lives },
    ({ lives }) =>
      Effect.gen(function* () {
        const end = yield* live(lives, everyTen({ missed: "all" }));
        const expected: Array<string> = [];
        for (let minute = 10; minute <= end; minute += 10) expected.push(`${at(minute)} succeeded`);
        const found = yield* ran;
        // The last one may have come as the last life ended.
        assert.deepStrictEqual(found.slice(0, -1), expected.slice(0, found.length - 1));
        assert.isAtMost(expected.length - found.length, 1);
        assert.strictEqual(new Set(found).size, found.length);
      }).pipe(Effect.provide(Store.layerMemory)),
    { arbitrary: { runs: 60 } },
  );

  it.effect.prop(
    "or the newest of those that wait: after each there is a run, and no two are of the same",
    { lives },
    ({ lives }) =>
      Effect.gen(function* () {
        const end = yield* live(lives, everyTen());
        const runs = (yield* (yield* Store).runs(1000)).toReversed();
        const occurrences = runs.map(occurrenceOf);
        assert.strictEqual(new Set(occurrences).size, occurrences.length);
        assert.deepStrictEqual(occurrences, occurrences.toSorted());
        for (const { startedAt, ...run } of runs) {
          assert.isAtMost(Date.parse(occurrenceOf({ startedAt, ...run })), startedAt.getTime());
        }
        const last = Date.parse(occurrences.at(-1) ?? "") / 60_000;
        assert.isAtLeast(last, Math.floor(end / 10) * 10 - 10);
        assert.isTrue(runs.slice(0, -1).every(({ status }) => status === "succeeded"));
      }).pipe(Effect.provide(Store.layerMemory)),
    { arbitrary: { runs: 60 } },
  );

  it.effect("a harness that begins a run twice is caught", () =>
    Effect.gen(function* () {
      // A daemon that forgot what had begun, as one without the record would.
      const { triggers } = yield* Store;
      const pipelines = [{ pipeline: pipelineOf("p", everyTen({ missed: "all" })) }];
      const once = Effect.provide(
        Daemon.run({ pipelines, once: true }),
        oneLife({ millis: 0 }, immortal),
      );
      yield* once;
      yield* TestClock.adjust("10 minutes");
      yield* once;
      const forgetful = Store.of({
        ...(yield* Store),
        triggers: {
          ...triggers,
          queue: () =>
            Effect.succeed([
              {
                id: 1,
                pipeline: "p",
                trigger: "cron */10 * * * * UTC",
                occurrence: at(10),
                began: false,
              },
            ]),
          end: () => Effect.interrupt,
        },
      });
      yield* Effect.exit(Effect.provideService(once, Store, forgetful));
      assert.deepStrictEqual(yield* ran, [`${at(10)} succeeded`, `${at(10)} succeeded`]);
    }).pipe(Effect.provide(Store.layerMemory)),
  );
});

describe("once", () => {
  const pipelines = [{ pipeline: pipelineOf("p", everyTen()) }];
  const once = Daemon.run({ pipelines, once: true });

  it.effect("looks, runs what is due, and ends", () =>
    Effect.gen(function* () {
      yield* once;
      assert.deepStrictEqual(yield* ran, []);
      yield* TestClock.adjust("25 minutes");
      yield* once;
      yield* once;
      assert.deepStrictEqual(yield* ran, [`${at(20)} succeeded`]);
    }).pipe(fake(), Effect.provide(Store.layerMemory)),
  );

  it.effect("sees new files once they have settled", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const file = path.join(folder, "pipeline.ts");
      const write = (name: string, text: string) =>
        fs.writeFileSync(path.join(folder, "data", name), text);
      fs.mkdirSync(path.join(folder, "data"));
      const trigger = Trigger.newFile("data/*.csv", { settle: 0 });
      const pipelines = [{ pipeline: pipelineOf("p", trigger), file }];
      const once = Daemon.run({ pipelines, once: true });
      write("old.csv", "there before anyone looked");
      yield* once;
      yield* once;
      assert.deepStrictEqual(yield* ran, []);
      write("a.csv", "1");
      write(".hidden.csv", "1");
      write("a.txt", "1");
      yield* once;
      yield* once;
      const found = yield* ran;
      assert.lengthOf(found, 1);
      assert.match(found[0] ?? "", /^data\/a\.csv sha256-6b86b273ff34 20.*Z succeeded$/);
      write("a.csv", "1");
      yield* once;
      assert.lengthOf(yield* ran, 1);
      write("a.csv", "2");
      fs.rmSync(path.join(folder, "data", "old.csv"));
      yield* once;
      assert.lengthOf(yield* ran, 2);
    }).pipe(fake(), Effect.provide(Store.layerMemory)),
  );
});

describe("with the local engine", () => {
  const Drift = Signal.make("Drift", { description: "moved", payload: Schema.Null });

  it.effect("a signal of one pipeline runs another", () =>
    Effect.gen(function* () {
      let value = 0;
      let day = 0;
      const watching = Stage.make("monitor", {
        input: {},
        output: Schema.Int,
        signals: { drift: Drift },
        cache: "never",
        run: (_, { emit }) =>
          Effect.as(emit("drift", { at: new Date(2026, 0, ++day), value, payload: null }), 1),
      });
      const triggers = [everyTen({ name: "tick" })];
      const watch = Pipeline.make("watch", { charter, triggers }, () => ({ one: watching() }));
      const train = pipelineOf("train", Trigger.signal(Drift, { atLeast: 0.2 }));
      const { kill } = yield* start({ pipelines: [{ pipeline: watch }, { pipeline: train }] });
      const trained = Effect.map(
        Effect.flatMap(Store, ({ runs }) => runs(1000, "train")),
        (runs) => runs.map(occurrenceOf),
      );
      yield* TestClock.adjust("11 minutes");
      assert.deepStrictEqual(yield* trained, []);
      value = 0.3;
      yield* TestClock.adjust("10 minutes");
      assert.lengthOf(yield* trained, 1);
      assert.match((yield* trained)[0] ?? "", /\/monitor Drift 202/);
      value = 0.1;
      yield* TestClock.adjust("10 minutes");
      assert.lengthOf(yield* trained, 1);
      yield* kill;
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("a suspended run goes on when somebody has said yes, once", () =>
    Effect.gen(function* () {
      const gate = Stage.approval("sign-off", {
        question: "may it?",
        evidence: Schema.Int,
        approvers: ["ana"],
      });
      const last = Stage.make("last", {
        input: { approval: Stage.Approved },
        output: Schema.String,
        run: ({ approval }) => Effect.succeed(approval.approver),
      });
      const triggers = [everyTen({ name: "tick" })];
      const pipeline = Pipeline.make("p", { charter, triggers }, () => ({
        last: last({ approval: gate({ evidence: source("one", 1).stage() }) }),
      }));
      const { events, kill } = yield* start({ pipelines: [{ pipeline }] });
      yield* TestClock.adjust("11 minutes");
      assert.deepStrictEqual(yield* ran, [`${at(10)} suspended`]);
      const [{ id } = { id: "" }] = yield* (yield* Store).runs(1);
      yield* Approval.give({ run: id, as: "ana", decision: "approve", reason: "looks good" });
      yield* TestClock.adjust("6 seconds");
      assert.deepStrictEqual(yield* ran, [`${at(10)} succeeded`]);
      yield* TestClock.adjust("5 minutes");
      yield* kill;
      const started = events.filter(({ _tag }) => _tag === "RunStarted");
      assert.deepStrictEqual(
        started.map(({ trigger }) => trigger),
        ["tick", "~approval"],
      );
      const second = yield* start({ pipelines: [{ pipeline }] });
      yield* TestClock.adjust("1 minute");
      yield* second.kill;
      assert.deepStrictEqual(yield* ran, [`${at(10)} succeeded`]);
    }).pipe(withCode(), Effect.provide(engine)),
  );
});

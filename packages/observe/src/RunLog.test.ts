import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { Pipeline, Stage } from "@ml-pipe/core";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Redacted from "effect/Redacted";
import * as Schedule from "effect/Schedule";
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";
import { TestClock } from "effect/testing";
import { charter, keptLogs, runIn, temporaryFolder } from "./internal/observe.fixture.ts";
import * as RunLog from "./RunLog.ts";

class Unreachable extends Schema.TaggedError<Unreachable>()("Unreachable", {
  host: Schema.String,
}) {
  override get message() {
    return `cannot reach ${this.host}`;
  }
}

const secret = Redacted.make("hunter2");

const talk = Stage.make("talk", {
  input: {},
  output: Schema.Int,
  run: (_, { finding }) =>
    Effect.gen(function* () {
      yield* Effect.logInfo("hello", { rows: 12, key: secret }, secret, `key ${String(secret)}`);
      yield* Effect.logWarning("careful").pipe(
        Effect.annotateLogs({ day: 3, token: secret, big: 12n }),
      );
      yield* Effect.logDebug("not for everybody");
      yield* finding({
        check: "rows.few",
        severity: "warn",
        expected: "many rows",
        found: "few",
        next: "get more",
      });
      return 1;
    }),
});

const listen = Stage.make("listen", {
  input: { n: Schema.Int },
  output: Schema.Int,
  run: ({ n }) => Effect.as(Effect.logError("heard nothing", new Error("deaf")), n),
});

const talking = Pipeline.make("talking", { charter }, () => ({ out: listen({ n: talk() }) }));

const broken = Stage.make("broken", {
  input: {},
  output: Schema.Int,
  run: () => Effect.fail(new Unreachable({ host: "example.test" })),
});

/** Runs a pipeline with a log of it, and gives the log's entries. */
const logged = Effect.fnUntraced(function* <A, E>(
  folder: string,
  pipeline: Pipeline.Pipeline<A, E, never>,
) {
  const { run } = yield* Effect.gen(function* () {
    const { onEvent } = yield* RunLog.RunLog;
    yield* Effect.logInfo("before the run");
    return yield* runIn(folder, pipeline, { onEvent });
  }).pipe(Effect.provide(RunLog.layer(folder)));
  return { run, entries: yield* Stream.runCollect(RunLog.read(folder, run.id)) };
});

const lines = (entries: ReadonlyArray<RunLog.Entry>) =>
  entries.map(({ level, stage = "-", message }) => `${level} ${stage} ${message}`);

const quiet = keptLogs().layer;

describe("the log of a run", () => {
  it.effect("has what its stages log and what happened to them, each with its stage", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const { run, entries } = yield* logged(folder, talking);
      assert.deepStrictEqual(lines(entries), [
        "info - before the run",
        `info - run of talking started in process ${process.pid}`,
        "info talk started: it has not run before",
        'info talk hello {"rows":12,"key":"<redacted>"} "<redacted>" key <redacted>',
        "warn talk careful",
        "warn talk rows.few: expected many rows, found few. get more",
        "info talk succeeded after 0 ms",
        "info listen started: it has not run before",
        "error listen heard nothing Error: deaf",
        "info listen succeeded after 0 ms",
        "info - run succeeded",
      ]);
      const careful = entries.find(({ message }) => message === "careful");
      assert.deepStrictEqual(careful?.annotations, { day: 3, token: "<redacted>", big: "12n" });
      assert.match(careful?.traceId ?? "", /^[0-9a-f]{32}$/);
      assert.notInclude(fs.readFileSync(RunLog.fileOf(folder, run.id), "utf8"), "hunter2");
      assert.deepStrictEqual(
        entries.map(({ event = "-" }) => event).filter((event) => event !== "-"),
        [
          "RunStarted",
          "StageStarted",
          "Finding",
          "StageEnded",
          "StageStarted",
          "StageEnded",
          "RunEnded",
        ],
      );
    }).pipe(Effect.provide(quiet)),
  );

  it.effect("says why a stage failed, and what was tried again", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const again = Stage.retry(broken, { Unreachable: Schedule.recurs(1) });
      const pipeline = Pipeline.make("p", { charter }, () => ({ out: again() }));
      const { entries } = yield* logged(folder, pipeline);
      assert.deepStrictEqual(lines(entries).slice(3), [
        "warn broken attempt failed, again in 0 ms: Unreachable: cannot reach example.test",
        "error broken failed after 0 ms: Unreachable: cannot reach example.test",
        "error - run failed",
      ]);
    }).pipe(Effect.provide(quiet)),
  );

  it.effect("keeps causes with their stacks, and cuts what is too long", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const stage = Stage.make("s", {
        input: {},
        output: Schema.Int,
        run: () =>
          Effect.gen(function* () {
            yield* Effect.logError("x".repeat(100_000));
            yield* broken.run({}).pipe(Effect.tapCause((cause) => Effect.logWarning("so", cause)));
            return 1;
          }),
      });
      const pipeline = Pipeline.make("p", { charter }, () => ({ out: stage() }));
      const { entries } = yield* logged(folder, pipeline);
      const [long, caused] = entries.filter(({ event }) => event === undefined).slice(1);
      assert.match(long?.message ?? "", /x… \(67232 more characters\)$/);
      assert.include(caused?.cause, "Unreachable: cannot reach example.test");
    }).pipe(Effect.provide(quiet)),
  );

  it.effect("can be asked for one stage, or for what matters", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const { run } = yield* logged(folder, talking);
      const ask = (filter: RunLog.Filter) =>
        Effect.map(Stream.runCollect(RunLog.read(folder, run.id, filter)), lines);
      assert.deepStrictEqual(yield* ask({ stage: "listen", level: "warn" }), [
        "error listen heard nothing Error: deaf",
      ]);
      assert.lengthOf(yield* ask({ stage: "listen" }), 3);
      assert.lengthOf(yield* ask({ level: "warn" }), 3);
      assert.deepStrictEqual(yield* ask({ level: "fatal" }), []);
      assert.deepStrictEqual(yield* ask({ stage: "nobody" }), []);
    }).pipe(Effect.provide(quiet)),
  );

  it.effect("is empty where none was kept, and unreadable where it is no file", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      assert.deepStrictEqual(yield* Stream.runCollect(RunLog.read(folder, "none")), []);
      fs.mkdirSync(RunLog.fileOf(folder, "odd"), { recursive: true });
      const error = yield* Effect.flip(Stream.runCollect(RunLog.read(folder, "odd")));
      assert.strictEqual(error._tag, "RunLogUnreadable");
      assert.include(error.message, "odd.ndjson");
    }),
  );
});

describe("a log that was cut off", () => {
  const entry = (message: string) =>
    JSON.stringify({ at: "2026-01-01T00:00:00.000Z", level: "info", message });

  it.effect("is read without the half line, and goes on after it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const { run } = yield* runIn(folder, talking);
      const file = RunLog.fileOf(folder, run.id);
      fs.mkdirSync(path.dirname(file));
      fs.writeFileSync(file, `${entry("å whole")}\nnot json\n${entry("half").slice(0, 40)}`);
      const messages = Effect.map(Stream.runCollect(RunLog.read(folder, run.id)), lines);
      assert.deepStrictEqual(yield* messages, ["info - å whole"]);
      yield* Effect.gen(function* () {
        const { onEvent } = yield* RunLog.RunLog;
        yield* onEvent({ _tag: "RunStarted", run: { ...run, resumedAt: [new Date(0)] } });
      }).pipe(Effect.provide(RunLog.layer(folder)));
      assert.deepStrictEqual(yield* messages, [
        "info - å whole",
        `info - run of talking goes on in process ${process.pid}`,
      ]);
    }).pipe(Effect.provide(quiet)),
  );

  it.effect("gives whole entries only, wherever pieces begin", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const file = RunLog.fileOf(folder, "run");
      fs.mkdirSync(path.dirname(file));
      const messages = Array.from({ length: 9000 }, (_, i) => `${i} ${"é".repeat(i % 90)}`);
      fs.writeFileSync(file, messages.map((message) => `${entry(message)}\n`).join(""));
      const found = yield* Stream.runCollect(RunLog.read(folder, "run"));
      assert.deepStrictEqual(
        found.map(({ message }) => message),
        messages,
      );
    }),
  );
});

describe("a log that is followed", () => {
  it.effect("gives what comes, until the run has ended", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const file = RunLog.fileOf(folder, "run");
      fs.mkdirSync(path.dirname(file));
      let ended = false;
      const seen: Array<string> = [];
      const fiber = yield* RunLog.follow(
        folder,
        "run",
        Effect.sync(() => ended),
      ).pipe(
        Stream.runForEach(({ message }) => Effect.sync(() => void seen.push(message))),
        Effect.forkChild,
      );
      const until = (isSo: () => boolean) =>
        Effect.gen(function* () {
          while (!isSo()) {
            yield* TestClock.adjust("1 second");
            yield* Effect.promise(() => new Promise(setImmediate));
          }
        });
      const append = (text: string) => Effect.sync(() => fs.appendFileSync(file, text));
      const line = (message: string) =>
        `${JSON.stringify({ at: "2026-01-01T00:00:00.000Z", level: "info", message })}\n`;
      yield* append(line("one"));
      yield* until(() => seen.length === 1);
      yield* append(line("two").slice(0, 20));
      yield* TestClock.adjust("1 second");
      yield* append(line("two").slice(20) + line("three"));
      yield* until(() => seen.length === 3);
      yield* append(line("four"));
      ended = true;
      yield* until(() => seen.length === 4);
      yield* until(() => fiber.pollUnsafe() !== undefined);
      yield* Fiber.join(fiber);
      assert.deepStrictEqual(seen, ["one", "two", "three", "four"]);
    }),
  );
});

describe("while a stage runs", () => {
  it.live("what it logs gets to the disk", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      yield* Effect.gen(function* () {
        const { onEvent } = yield* RunLog.RunLog;
        const stage = Stage.make("long", {
          input: {},
          output: Schema.Int,
          run: () => Effect.andThen(Effect.logInfo("under way"), Effect.never),
        });
        const pipeline = Pipeline.make("p", { charter }, () => ({ out: stage() }));
        yield* Effect.forkScoped(runIn(folder, pipeline, { onEvent }));
        const logs = path.join(folder, "logs");
        const text = () =>
          fs.existsSync(logs)
            ? fs.readdirSync(logs).map((name) => fs.readFileSync(path.join(logs, name), "utf8"))
            : [];
        while (!text().join("").includes("under way")) yield* Effect.sleep(20);
      }).pipe(Effect.provide(RunLog.layer(folder)));
    }).pipe(Effect.provide(quiet)),
  );
});

describe("a log that cannot be written", () => {
  it.effect("is one warning, and the run succeeds", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      // A file where the folder of logs should be.
      fs.writeFileSync(path.join(folder, "logs"), "");
      const { lines, layer } = keptLogs();
      const { run } = yield* Effect.gen(function* () {
        const { onEvent } = yield* RunLog.RunLog;
        return yield* runIn(folder, talking, { onEvent });
      }).pipe(Effect.provide(RunLog.layer(folder)), Effect.provide(layer));
      assert.strictEqual(run.status, "succeeded");
      assert.lengthOf(
        lines.filter((line) => line.includes("cannot be written")),
        1,
      );
    }),
  );

  it.effect("because the disk is full has a gap that says so", (context) =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const options = ["-t", "tmpfs", "-o", "size=256k", "tmpfs", folder];
      if (spawnSync("mount", options).status !== 0) return context.skip("cannot mount");
      yield* Effect.addFinalizer(() => Effect.sync(() => spawnSync("umount", ["-l", folder])));
      const { lines: warned, layer } = keptLogs();
      const filler = path.join(folder, "filler");
      yield* Effect.gen(function* () {
        const { onEvent } = yield* RunLog.RunLog;
        const say = (text: string) => Effect.annotateLogs(Effect.logInfo(text), { a: 1 });
        const elsewhere = yield* temporaryFolder;
        const stage = Stage.make("s", {
          input: {},
          output: Schema.Int,
          run: () =>
            Effect.gen(function* () {
              yield* say("first");
              yield* TestClock.adjust("1 second");
              yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)));
              fs.writeFileSync(filler, "");
              try {
                for (;;) fs.appendFileSync(filler, "x".repeat(4096));
              } catch {
                // Full.
              }
              for (let i = 0; i < 20; i++) yield* say("y".repeat(1000));
              yield* TestClock.adjust("1 second");
              yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 50)));
              fs.rmSync(filler);
              yield* say("last");
              return 1;
            }),
        });
        const pipeline = Pipeline.make("p", { charter }, () => ({ out: stage() }));
        const { run } = yield* runIn(elsewhere, pipeline, { onEvent });
        assert.strictEqual(run.status, "succeeded");
        const entries = lines(yield* Stream.runCollect(RunLog.read(folder, run.id)));
        assert.include(entries, "info s first");
        assert.include(entries, "info s last");
        assert.include(entries, "info - run succeeded");
        assert.match(entries.join("\n"), /warn - \d+ entries are missing here/);
      }).pipe(Effect.provide(RunLog.layer(folder)), Effect.provide(layer));
      assert.lengthOf(
        warned.filter((line) => line.includes("cannot be written")),
        1,
      );
    }),
  );
});

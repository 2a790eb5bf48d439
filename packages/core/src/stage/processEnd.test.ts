import * as fs from "node:fs";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Schema from "effect/Schema";
import * as TestClock from "effect/testing/TestClock";
import { ArtifactStore } from "../Artifact.ts";
import { deadPid, temporaryFolder } from "../internal/folder.fixture.ts";
import * as Stage from "../Stage.ts";
import { eventually, isRunning, script, type Logged, watched } from "./process.fixture.ts";

/** A process with a child of its own, which both do not listen; each says its number. */
const stubborn = `
  process.on("SIGTERM", () => {});
  const child = require("node:child_process").spawn(process.execPath, ["-e",
    "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log(process.pid)"],
    { stdio: ["ignore", "pipe", "ignore"] });
  child.stdout.once("data", (pid) => console.log(process.pid + " " + pid));
  setInterval(() => {}, 1000);`;

const stage = (
  code: string,
  options: { readonly timeout?: "1 hour"; readonly memory?: "200 MiB"; readonly grace?: 0 } = {},
) =>
  Stage.process("work", {
    command: script(code),
    input: {},
    output: Schema.Int,
    grace: "30 seconds",
    ...options,
  });

/** Starts a stage and waits until it has said the numbers of its processes. */
const started = Effect.fnUntraced(function* (code: string, options: Parameters<typeof stage>[1]) {
  let pids: ReadonlyArray<number> = [];
  const lines: Array<Logged> = [];
  const { use, leftOver } = yield* watched((line) => {
    lines.push(line);
    if (/^\d+( \d+)*$/.test(line.text)) pids = line.text.split(" ").map(Number);
  });
  const fiber = yield* Effect.forkChild(use(stage(code, options).run({})));
  yield* eventually("the process says its number", () => pids.length > 0);
  assert.isTrue(pids.every(isRunning));
  assert.isNotEmpty(leftOver());
  return { fiber, pids, leftOver, lines };
});

describe("the end of a process", () => {
  it.effect("comes for the whole group on interruption, also for those that do not listen", () =>
    Effect.gen(function* () {
      const { fiber, pids, leftOver } = yield* started(stubborn, { grace: 0 });
      assert.strictEqual(pids.length, 2);
      yield* Fiber.interrupt(fiber);
      assert.deepStrictEqual(pids.filter(isRunning), []);
      assert.deepStrictEqual(leftOver(), []);
    }),
  );

  it.effect("leaves time to those that listen", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const saved = path.join(folder, "saved");
      const code = `
        process.on("SIGTERM", () => setTimeout(() => {
          fs.writeFileSync(${JSON.stringify(saved)}, "yes"); process.exit(0); }, 50));
        setInterval(() => {}, 1000); console.log(process.pid);`;
      const { fiber, pids } = yield* started(code, {});
      yield* Fiber.interrupt(fiber);
      assert.deepStrictEqual(pids.filter(isRunning), []);
      assert.strictEqual(fs.readFileSync(saved, "utf8"), "yes");
    }),
  );

  it.effect("comes after its time", () =>
    Effect.gen(function* () {
      const { fiber, pids, leftOver } = yield* started(stubborn, { timeout: "1 hour", grace: 0 });
      yield* TestClock.adjust("59 minutes");
      assert.isTrue(pids.every(isRunning));
      yield* TestClock.adjust("1 minute");
      const error = yield* Effect.flip(Fiber.join(fiber));
      assert.instanceOf(error, Stage.ProcessTimedOut);
      assert.match(error.message, /stage "work": node .* took longer than 1h and was ended/);
      assert.deepStrictEqual(error.lines, [pids.join(" ")]);
      assert.deepStrictEqual(pids.filter(isRunning), []);
      assert.deepStrictEqual(leftOver(), []);
    }),
  );

  it.effect("comes for what it left in the background, and its output counts", () =>
    Effect.gen(function* () {
      const lines: Array<string> = [];
      const { use } = yield* watched(({ text }) => void lines.push(text));
      const code = `
        const child = require("node:child_process").spawn(process.execPath, ["-e",
          "setInterval(() => {}, 1000)"], { stdio: "inherit" });
        console.log(child.pid); answer(7); process.exit(0);`;
      assert.strictEqual(yield* use(stage(code).run({})), 7);
      assert.isFalse(isRunning(Number(lines[0])));
    }),
  );
});

describe("the folder of a process", () => {
  it.effect(
    "is for this user's eyes, and goes with a killed process's when the next one starts",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder;
        const abandoned = path.join(folder, "tmp", `${deadPid()}-abc`, "work");
        fs.mkdirSync(abandoned, { recursive: true });
        fs.writeFileSync(path.join(abandoned, "input.json"), "{}");
        const mode = Effect.gen(function* () {
          const own = yield* (yield* ArtifactStore).temporaryFolder;
          return fs.statSync(own).mode & 0o777;
        });
        const found = yield* Effect.provide(Effect.scoped(mode), ArtifactStore.layer(folder));
        assert.strictEqual(found, 0o700);
        assert.deepStrictEqual(fs.readdirSync(path.join(folder, "tmp")), []);
      }),
  );
});

describe("the memory of a process", () => {
  const hold = (mebibytes: number) =>
    `const held = Buffer.alloc(${mebibytes} * 2 ** 20, 1); setInterval(() => held.length, 1000);`;

  it.effect("is that of all its processes together", () =>
    Effect.gen(function* () {
      const { use, leftOver } = yield* watched();
      // None of them is above the limit alone.
      const code = `
        for (let i = 0; i < 3; i++) require("node:child_process").spawn(
          process.execPath, ["-e", ${JSON.stringify(hold(60))}], { stdio: "inherit" });
        setInterval(() => {}, 1000);`;
      const error = yield* Effect.flip(use(stage(code, { memory: "200 MiB" }).run({})));
      assert.instanceOf(error, Stage.ProcessOutOfMemory);
      assert.strictEqual(error.limitBytes, 200 * 2 ** 20);
      assert.isAbove(error.foundBytes, error.limitBytes);
      assert.isAbove(error.processes, 1);
      assert.match(error.message, /its \d processes took .* and 200 MiB are allowed/);
      assert.deepStrictEqual(leftOver(), []);
    }),
  );

  it.effect("may be less than the limit", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      const code = "const held = Buffer.alloc(20 * 2 ** 20, 1); answer(held.length)";
      const bytes = yield* use(stage(code, { memory: "200 MiB" }).run({}));
      assert.strictEqual(bytes, 20 * 2 ** 20);
    }),
  );

  it("is what the engine keeps for it", () => {
    const { info } = stage("", { memory: "200 MiB" });
    assert.strictEqual(info.resources.memoryBytes, 200 * 2 ** 20);
    assert.throws(
      () => Stage.process("x", { command: ["true"], input: {}, output: Schema.Null, memory: 0 }),
      /its memory is no size/,
    );
    assert.throws(
      () => Stage.process("x", { command: ["true"], input: {}, output: Schema.Null, timeout: 0 }),
      /its timeout is no time/,
    );
  });
});

describe("a process that fails", () => {
  it.effect("tells how it ended and what it said last", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      const code = `for (let i = 0; i < 30; i++) console.error("line " + i);
        console.error("x".repeat(5000)); process.exitCode = 3`;
      const error = yield* Effect.flip(use(stage(code).run({})));
      assert.instanceOf(error, Stage.ProcessFailed);
      assert.strictEqual(error.exitCode, 3);
      assert.strictEqual(error.lines.length, 20);
      assert.strictEqual(error.lines[0], "line 11");
      assert.isBelow(error.message.length, 2000);
      assert.match(error.message, /stage "work": node .* ended with exit code 3/);
    }),
  );

  it.effect("shows stdout if it said nothing on stderr", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      const error = yield* Effect.flip(
        use(stage('console.log("no licence"); process.exitCode = 1').run({})),
      );
      assert.instanceOf(error, Stage.ProcessFailed);
      assert.deepStrictEqual(error.lines, ["no licence"]);
    }),
  );

  it.effect("was ended by a signal", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      const error = yield* Effect.flip(use(stage("process.kill(process.pid, 'SIGKILL')").run({})));
      assert.instanceOf(error, Stage.ProcessFailed);
      assert.strictEqual(error.exitCode, null);
      assert.strictEqual(error.signal, "SIGKILL");
      assert.match(error.message, /may have run out of memory/);
    }),
  );

  it.effect("could not be started", () =>
    Effect.gen(function* () {
      const { use, leftOver } = yield* watched();
      const long = Stage.process("long", {
        command: [process.execPath, "x".repeat(4 * 2 ** 20)],
        input: {},
        output: Schema.Null,
      });
      const error = yield* Effect.flip(use(long.run({})));
      assert.strictEqual(error._tag, "ProcessFailed");
      assert.match(error.message, /could not be started[^]*E2BIG/);
      assert.deepStrictEqual(leftOver(), []);
    }),
  );

  it.effect("is not there: a program on PATH, by path, or not executable", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      const folder = yield* temporaryFolder;
      const text = path.join(folder, "text");
      fs.writeFileSync(text, "no program", { mode: 0o644 });
      const missing = Effect.fnUntraced(function* (program: string | URL) {
        const stage = Stage.process("x", { command: [program], input: {}, output: Schema.Null });
        const error = yield* Effect.flip(use(stage.run({})));
        assert.strictEqual(error._tag, "ProcessNotFound");
        return error.message;
      });
      assert.match(yield* missing("no-such-program"), /"no-such-program" is not there.*PATH/);
      assert.match(yield* missing(path.join(folder, "absent")), /absent/);
      assert.match(yield* missing(text), /or cannot be used/);
      assert.match(yield* missing(new URL(`file://${folder}`)), /program/);
    }),
  );
});

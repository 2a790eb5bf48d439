import * as fs from "node:fs";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import type { Worker } from "node:worker_threads";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Schema from "effect/Schema";
import { temporaryFolder } from "../internal/folder.fixture.ts";
import * as Stage from "../Stage.ts";
import type * as fixture from "./worker.fixture.ts";
import { eventually, watched } from "./process.fixture.ts";

const module = Stage.workerModule<typeof fixture>(new URL("./worker.fixture.ts", import.meta.url));

const stage = (options: { readonly memory?: "32 MiB"; readonly params?: string } = {}) =>
  Stage.worker("compute", {
    module,
    input: { what: Schema.String, xs: Schema.Array(Schema.Finite) },
    output: Schema.Finite,
    ...options,
  });

const failing = Effect.fnUntraced(function* (what: string, memory?: "32 MiB") {
  const { use, logged } = yield* watched();
  const compute = stage(memory === undefined ? {} : { memory });
  const error = yield* Effect.flip(use(compute.run({ what, xs: [] })));
  assert.match(error.message, /^stage "compute": worker\.fixture\.ts /);
  return { error, logged };
});

describe("a stage in a thread", () => {
  it.effect("computes, and tells how far it is", () =>
    Effect.gen(function* () {
      const { use, told } = yield* watched();
      assert.strictEqual(yield* use(stage().run({ what: "sum", xs: [1, 2, 4] })), 7);
      assert.deepStrictEqual(told, [
        { _tag: "Progress", progress: { label: "adding", share: 0.5 } },
      ]);
    }),
  );

  it.effect("leaves the main thread free while it computes", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      const file = path.join(yield* temporaryFolder, "go");
      const spin = stage({ params: file });
      const fiber = yield* Effect.forkChild(use(spin.run({ what: "spin", xs: [1] })));
      // The thread ends only if this one gets here.
      for (let turn = 0; turn < 100; turn++) {
        yield* Effect.promise(() => new Promise((resolve) => void setImmediate(resolve)));
      }
      assert.isUndefined(fiber.pollUnsafe());
      fs.writeFileSync(file, "");
      assert.strictEqual(yield* Fiber.join(fiber), 1);
    }),
  );

  it.effect("ends with what it has, though something still waits in it", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      assert.strictEqual(yield* use(stage().run({ what: "timer", xs: [] })), 1);
    }),
  );

  it.effect("is heard to its last line; what is not valid is a line too", () =>
    Effect.gen(function* () {
      const { use, logged, told } = yield* watched();
      yield* use(stage().run({ what: "tell", xs: [] }));
      const lines = logged.filter(({ stream }) => stream === "stdout").map(({ text }) => text);
      assert.include(lines, "line 0");
      assert.include(lines, "line 99");
      assert.isTrue(lines.some((line) => /not valid: [^]*share/.test(line)));
      assert.isTrue(logged.some((line) => line.stream === "stderr" && line.text === "careful"));
      assert.isTrue(logged.every(({ stage }) => stage === "compute"));
      assert.deepStrictEqual(
        told.map(({ _tag }) => _tag),
        ["Finding"],
      );
    }),
  );

  it.effect("is ended by interruption, whatever it does", () =>
    Effect.gen(function* () {
      const lines: Array<string> = [];
      const started: Array<Worker> = [];
      process.once("worker", (worker) => void started.push(worker));
      const isRunning = ({ threadId }: Worker) => threadId > 0;
      const { use } = yield* watched(({ text }) => void lines.push(text));
      const fiber = yield* Effect.forkChild(use(stage().run({ what: "forever", xs: [] })));
      yield* eventually("it computes", () => lines.includes("here"));
      assert.deepStrictEqual(started.map(isRunning), [true]);
      yield* Fiber.interrupt(fiber);
      assert.deepStrictEqual(started.map(isRunning), [false]);
    }),
  );

  it.effect("gives several outputs, with dates and typed arrays", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      const folder = yield* temporaryFolder;
      const file = path.join(folder, "several.ts");
      fs.writeFileSync(
        file,
        `export default ({ at }: { at: Date }) => ({ next: new Date(at.getTime() + 1), xs: Uint8Array.of(1, 2) });`,
      );
      interface Several {
        readonly default: (input: { readonly at: Date }) => {
          readonly next: Date;
          readonly xs: Uint8Array<ArrayBufferLike>;
        };
      }
      const several = Stage.worker("several", {
        module: Stage.workerModule<Several>(pathToFileURL(file)),
        input: { at: Schema.Date },
        outputs: { next: Schema.Date, xs: Schema.Uint8Array },
      });
      const { next, xs } = yield* use(several.run({ at: new Date(0) }));
      assert.deepStrictEqual([next, [...xs]], [new Date(1), [1, 2]]);
    }),
  );
});

describe("a thread that fails", () => {
  it.effect("says what was thrown, and where", () =>
    Effect.gen(function* () {
      const { error } = yield* failing("throw");
      assert.instanceOf(error, Stage.WorkerFailed);
      assert.strictEqual(error.error, "NoRows");
      assert.strictEqual(error.problem, "there are no rows");
      assert.match(error.calls[0] ?? "", /worker\.fixture\.ts:\d+/);
      assert.isAtMost(error.calls.length, 8);
    }),
  );

  it.effect("also if nobody waited for it, or it ended itself", () =>
    Effect.gen(function* () {
      const later = yield* failing("throw later");
      assert.instanceOf(later.error, Stage.WorkerFailed);
      assert.strictEqual(later.error.problem, "there are no rows");
      const exit = yield* failing("exit");
      assert.match(exit.error.message, /it ended with exit code 3/);
    }),
  );

  it.effect("has a heap of its own", () =>
    Effect.gen(function* () {
      const { error } = yield* failing("grow", "32 MiB");
      assert.instanceOf(error, Stage.WorkerOutOfMemory);
      assert.strictEqual(error.limitBytes, 32 * 2 ** 20);
      assert.match(error.message, /more memory than 32 MiB/);
    }),
  );

  it.effect("breaks its contract with another type, or with what cannot cross", () =>
    Effect.gen(function* () {
      const { error } = yield* failing("text");
      assert.instanceOf(error, Stage.WorkerOutputInvalid);
      assert.match(error.message, /Expected number, got "many"/);
      const instance = yield* failing("instance");
      assert.match(instance.error.message, /an instance of Tagged at \["deep"\]\[0\]/);
    }),
  );

  it.effect("takes no input that would arrive as something else", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      class Point extends Schema.Class<Point>("Point")({ x: Schema.Int }) {}
      interface Any {
        readonly default: (input: { readonly points: ReadonlyArray<Point> }) => number;
      }
      const points = Stage.worker("points", {
        module: Stage.workerModule<Any>(module.url),
        input: { points: Schema.Array(Point) },
        output: Schema.Finite,
      });
      const error = yield* Effect.flip(use(points.run({ points: [new Point({ x: 1 })] })));
      assert.strictEqual(error._tag, "InputMismatch");
      assert.match(error.message, /"points": an instance of Point at \[0\] does not survive/);
    }),
  );

  it.effect("could not be loaded", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      const folder = yield* temporaryFolder;
      fs.writeFileSync(path.join(folder, "empty.ts"), "export const run = () => 1;");
      interface Any {
        readonly default: () => number;
      }
      const load = Effect.fnUntraced(function* (name: string) {
        const stage = Stage.worker("load", {
          module: Stage.workerModule<Any>(pathToFileURL(path.join(folder, name))),
          input: {},
          output: Schema.Finite,
        });
        const error = yield* Effect.flip(use(stage.run({})));
        assert.strictEqual(error._tag, "WorkerFailed");
        return error.message;
      });
      assert.match(yield* load("absent.ts"), /Cannot find module/);
      assert.match(yield* load("empty.ts"), /its default export is no function/);
    }),
  );

  it("cannot be defined with too little memory, or away from a file", () => {
    const define = (memory: "1 MiB" | "8 MiB", url: URL) => () =>
      Stage.worker("x", {
        module: Stage.workerModule<{ readonly default: () => number }>(url),
        input: {},
        output: Schema.Finite,
        memory,
      });
    assert.throws(define("1 MiB", module.url), /too little for a thread/);
    assert.throws(define("8 MiB", new URL("https://example.com/x.ts")), /is no file/);
    assert.doesNotThrow(define("8 MiB", module.url));
  });
});

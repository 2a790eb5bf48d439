import { assert, describe, it } from "@effect/vitest";
import { spawn } from "node:child_process";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { Engine } from "./Engine.ts";
import { charter } from "./internal/charter.fixture.ts";
import {
  adder,
  engine,
  engineIn,
  newest,
  observe,
  source,
  withCode,
} from "./internal/engine.fixture.ts";
import { temporaryFolder } from "./internal/folder.fixture.ts";
import * as Pipeline from "./Pipeline.ts";
import * as Stage from "./Stage.ts";
import { own } from "./store/owner.ts";
import { Store } from "./Store.ts";

class Broken extends Schema.TaggedError<Broken>()("Broken", {}) {}

/** one → deploy (acts on the outside world) → last, which fails until it is repaired. */
const breaking = () => {
  const one = source("one", 1);
  const deploy = adder("deploy", 1, { cache: "never" });
  let broken = true;
  let runs = 0;
  const last = Stage.make("last", {
    input: { n: Schema.Int },
    output: Schema.Int,
    run: ({ n }) =>
      Effect.suspend(() => (runs++, broken ? Effect.fail(new Broken()) : Effect.succeed(n))),
  });
  const pipeline = Pipeline.make("p", { charter }, () => ({
    out: last({ n: deploy.stage({ n: one.stage() }) }),
  }));
  const counts = () => [one.runs(), deploy.runs(), runs];
  return { pipeline, counts, repair: () => void (broken = false) };
};

describe("resume", () => {
  it.effect("goes on with the same run: what is finished is not done again", () =>
    Effect.gen(function* () {
      const { pipeline, counts, repair } = breaking();
      const first = yield* observe(pipeline);
      assert.deepStrictEqual(first.statuses, ["one succeeded", "deploy succeeded", "last failed"]);
      repair();
      const second = yield* observe(pipeline, { resume: first.run.id });
      assert.strictEqual(second.run.id, first.run.id);
      assert.deepStrictEqual(second.statuses, [
        "one succeeded",
        "deploy succeeded",
        "last succeeded",
      ]);
      assert.deepStrictEqual(counts(), [1, 1, 2]);
      assert.strictEqual(second.run.status, "succeeded");
      assert.lengthOf(second.run.resumedAt ?? [], 1);
      assert.deepStrictEqual(second.run.startedAt, first.run.startedAt);
      const ended = second.events.flatMap((event) =>
        event._tag === "StageEnded" ? [event.stage.stage] : [],
      );
      assert.deepStrictEqual(ended, ["one", "deploy", "last"]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("runs a finished stage again if its code changed meanwhile", () =>
    Effect.gen(function* () {
      const { pipeline, counts } = breaking();
      const first = yield* observe(pipeline).pipe(withCode());
      yield* observe(pipeline, { resume: first.run.id }).pipe(withCode({ deploy: "v2" }));
      assert.deepStrictEqual(counts(), [1, 2, 2]);
    }).pipe(Effect.provide(engine)),
  );

  it.effect("a forced run stays forced", () =>
    Effect.gen(function* () {
      const { pipeline, counts, repair } = breaking();
      yield* observe(pipeline);
      const forced = yield* observe(pipeline, { force: true });
      repair();
      yield* observe(pipeline, { resume: forced.run.id });
      // In the forced run each of the first two ran once, and was not repeated by the resumption.
      assert.deepStrictEqual(counts(), [2, 2, 3]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("says why a run cannot be resumed", () =>
    Effect.gen(function* () {
      const { pipeline, repair } = breaking();
      repair();
      const { run } = yield* observe(pipeline);
      const other = Pipeline.make("other", { charter }, () => ({ one: source("one", 1).stage() }));
      const refusal = (resumed: Pipeline.Pipeline<unknown, unknown, never>, resume: string) =>
        Engine.use((engine) => engine.run(resumed, { resume })).pipe(
          Effect.flip,
          Effect.map(String),
        );
      assert.match(yield* refusal(pipeline, run.id), /has succeeded.*Begin a new run/);
      assert.match(yield* refusal(pipeline, "nope"), /no such run.*ml-pipe runs/);
      assert.match(yield* refusal(other, run.id), /run of pipeline "p", not of "other"/);
      const store = yield* Store;
      yield* store.startRun({ ...run, id: "alive", status: "running", pid: process.pid });
      assert.match(yield* refusal(pipeline, "alive"), /process \d+ is running it/);
    }).pipe(withCode(), Effect.provide(engine)),
  );
});

describe("a run of a process that is gone", () => {
  it.effect("can be resumed, also if another process has its number now", () =>
    Effect.gen(function* () {
      const { pipeline, repair } = breaking();
      repair();
      const { run } = yield* observe(pipeline);
      const store = yield* Store;
      yield* store.startRun({ ...run, id: "cut-off", status: "running", pid: process.ppid });
      const { exit } = yield* observe(pipeline, { resume: "cut-off" });
      assert.strictEqual(exit._tag, "Success");
    }).pipe(withCode(), Effect.provide(engine)),
  );
});

describe("the owner of a state folder", () => {
  it.effect("is one process; the next one is told which", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const child = yield* holder(folder);
      const error = yield* Effect.flip(Effect.scoped(own(folder)));
      assert.strictEqual(error._tag, "FolderOwned");
      assert.include(error.message, `process ${child.pid} since 20`);
      assert.match(error.message, /Wait until it has ended or stop it/);
      // Killed, not ended: nothing is left that anyone would have to remove.
      yield* child.kill;
      yield* Effect.scoped(own(folder));
    }),
  );

  it.effect("may run several pipelines at once, and gives the folder back", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      yield* Effect.scoped(Effect.andThen(own(folder), Effect.scoped(own(folder))));
      const child = yield* holder(folder);
      yield* child.kill;
    }),
  );

  it.effect("runs nothing while another owns it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const child = yield* holder(folder);
      const { pipeline, counts } = breaking();
      const run = Engine.use((engine) => engine.run(pipeline));
      const error = yield* Effect.flip(run.pipe(Effect.provide(engineIn(folder))));
      assert.strictEqual(error._tag, "FolderOwned");
      assert.deepStrictEqual(counts(), [0, 0, 0]);
      yield* child.kill;
    }).pipe(withCode()),
  );
});

interface Holder {
  readonly pid: number;
  readonly kill: Effect.Effect<void>;
}

/** Another process that owns the folder. */
const holder = (folder: string) =>
  Effect.acquireRelease(
    Effect.callback<Holder, Error>((resume) => {
      const file = JSON.stringify(path.join(import.meta.dirname, "store/owner.ts"));
      const code = `
        const { own } = await import(${file});
        const Effect = await import("effect/Effect");
        process.stdin.resume();
        await Effect.runPromise(Effect.scoped(Effect.andThen(own(process.argv[1]), Effect.sync(() => {
          console.log("owned");
        }).pipe(Effect.andThen(Effect.never)))));`;
      const child = spawn(
        process.execPath,
        ["--conditions=@ml-pipe/source", "--input-type=module", "-e", code, folder],
        { stdio: ["pipe", "pipe", "inherit"], cwd: import.meta.dirname },
      );
      const kill = Effect.callback<void>((done) => {
        if (child.exitCode !== null || child.signalCode !== null) return done(Effect.void);
        child.once("exit", () => done(Effect.void));
        child.kill("SIGKILL");
      });
      child.stdout.once("data", () => resume(Effect.succeed({ pid: child.pid ?? 0, kill })));
      child.once("exit", (code) => resume(Effect.fail(new Error(`ended with ${code}`))));
    }),
    ({ kill }) => kill,
  );

describe("what is recorded of a run that was resumed", () => {
  it.effect("is one run", () =>
    Effect.gen(function* () {
      const { pipeline, repair } = breaking();
      const { run } = yield* observe(pipeline, { startedBy: "ben", file: "/p.ts" });
      repair();
      yield* observe(pipeline, { resume: run.id, startedBy: "ana" });
      const store = yield* Store;
      assert.lengthOf(yield* store.runs(10), 1);
      const found = yield* newest;
      assert.strictEqual(found.startedBy, "ben");
      assert.strictEqual(found.file, "/p.ts");
      assert.isTrue(Option.isSome(yield* store.run(run.id)));
    }).pipe(withCode(), Effect.provide(engine)),
  );
});

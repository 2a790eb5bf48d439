import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import type * as Scope from "effect/Scope";
import * as Graph from "./Graph.ts";
import * as Hook from "./Hook.ts";
import { charter } from "./internal/charter.fixture.ts";
import { deadPid, smallDisk, temporaryFolder } from "./internal/folder.fixture.ts";
import * as Pipeline from "./Pipeline.ts";
import type { Run, StageRun } from "./Run.ts";
import * as Stage from "./Stage.ts";
import * as Schema from "effect/Schema";
import { Store, StoreError, type StoreShape } from "./Store.ts";

const one = Stage.make("one", { input: {}, output: Schema.Int, run: () => Effect.succeed(1) });
const next = Stage.make("next", {
  input: { n: Schema.Int },
  output: Schema.Int,
  run: ({ n }) => Effect.succeed(n + 1),
});
const graph = Graph.of(Pipeline.make("count", { charter }, () => ({ two: next({ n: one() }) })));

const at = (second: number) => new Date(Date.UTC(2026, 10, 24, 7, 23, second));

const run = (id: string, second: number, change: Partial<Run> = {}): Run => ({
  id,
  pipeline: "count",
  status: "running",
  startedAt: at(second),
  pid: process.pid,
  graph,
  stages: [],
  hooks: [],
  ...change,
});

const stage = (of: string, name: string, change: Partial<StageRun> = {}): StageRun => ({
  run: of,
  stage: name,
  status: "succeeded",
  startedAt: at(0),
  endedAt: at(1),
  cacheNote: "",
  findings: [],
  exhibits: [],
  signals: [],
  ...change,
});

const build = (layer: Layer.Layer<Store, StoreError>) =>
  Effect.map(Layer.build(layer), (services) => Context.get(services, Store));

const stores: ReadonlyArray<readonly [string, Effect.Effect<StoreShape, StoreError, Scope.Scope>]> =
  [
    ["memory", build(Store.layerMemory)],
    ["sqlite", Effect.flatMap(temporaryFolder, (folder) => build(Store.layer(folder)))],
  ];

for (const [name, open] of stores) {
  describe(`a store in ${name}`, () => {
    it.effect("is empty at first", () =>
      Effect.gen(function* () {
        const store = yield* open;
        assert.deepStrictEqual(yield* store.runs(10), []);
        assert.isTrue(Option.isNone(yield* store.run()));
        assert.isTrue(Option.isNone(yield* store.run("2026")));
        assert.isTrue(Option.isNone(yield* store.findByCacheKey("key")));
        assert.deepStrictEqual(yield* store.hooks("count"), []);
      }),
    );

    it.effect("gives back a run with its stages in graph order", () =>
      Effect.gen(function* () {
        const store = yield* open;
        const begun = run("a", 0);
        yield* store.startRun(begun);
        assert.deepStrictEqual(yield* store.run("a"), Option.some(begun));
        const last = stage("a", "next", {
          outputs: { "": 2 },
          rows: 3,
          findings: [
            { check: "c", severity: "warn", expected: "x", found: "y", next: "z", sample: [1] },
          ],
          exhibits: [{ _tag: "table", title: "t", columns: ["a"], rows: [["x"], [1], [null]] }],
          signals: [{ signal: "s", at: at(5), value: 0.5, payload: { deep: [1, null] } }],
        });
        const first = stage("a", "one", { status: "failed", failure: { tag: "E", message: "no" } });
        yield* store.putStage(last);
        yield* store.putStage(stage("a", "one", { status: "running" }));
        yield* store.putStage(first);
        const ended = { ...begun, status: "failed", endedAt: at(9) } as const;
        yield* store.endRun(ended);
        assert.deepStrictEqual(
          yield* store.run("a"),
          Option.some({ ...ended, stages: [first, last] }),
        );
      }),
    );

    it.effect(
      "lists the newest first whatever the clock says, and finds a run by the beginning of its id",
      () =>
        Effect.gen(function* () {
          const store = yield* open;
          const ended = { status: "succeeded", endedAt: at(30) } as const;
          yield* store.startRun(run("2026-a1", 1, ended));
          yield* store.startRun(run("2026-b1", 4, ended));
          yield* store.startRun(run("2026-c1", 3, ended));
          yield* store.startRun(run("2026-c12", 3, ended));
          const ids = (yield* store.runs(3)).map(({ id }) => id);
          assert.deepStrictEqual(ids, ["2026-c12", "2026-c1", "2026-b1"]);
          const idOf = (id?: string) =>
            Effect.map(store.run(id), (found) => Option.getOrUndefined(found)?.id);
          assert.strictEqual(yield* idOf(), "2026-c12");
          assert.strictEqual(yield* idOf(""), "2026-c12");
          assert.strictEqual(yield* idOf("2026-b"), "2026-b1");
          assert.strictEqual(yield* idOf("2026-c1"), "2026-c1");
          assert.isUndefined(yield* idOf("2027"));
          assert.isUndefined(yield* idOf("%"));
          assert.isUndefined(yield* idOf("2026-a1-more"));
          const error = yield* Effect.flip(store.run("2026-"));
          assert.match(error.message, /"2026-".*several: 2026-c12, 2026-c1, 2026-b1.*Type more/);
        }),
    );

    it.effect("does not take two runs under one id", () =>
      Effect.gen(function* () {
        const store = yield* open;
        yield* store.startRun(run("a", 0));
        const error = yield* Effect.flip(store.startRun(run("a", 5)));
        assert.instanceOf(error, StoreError);
        assert.deepStrictEqual(
          (yield* store.runs(10)).map(({ startedAt }) => startedAt),
          [at(0)],
        );
      }),
    );

    it.effect("finds the newest execution that succeeded under a cache key", () =>
      Effect.gen(function* () {
        const store = yield* open;
        const put = (id: string, second: number, change: Partial<StageRun>) =>
          Effect.andThen(
            store.startRun(run(id, second)),
            store.putStage(stage(id, "one", { cacheKey: "k", endedAt: at(second), ...change })),
          );
        yield* put("a", 1, {});
        yield* put("b", 3, {});
        yield* put("c", 2, {});
        yield* put("d", 4, { status: "failed" });
        yield* put("e", 5, { status: "cached", reusedFrom: "a" });
        yield* put("f", 6, { status: "running" });
        yield* put("g", 7, { cacheKey: "other" });
        const found = yield* store.findByCacheKey("k");
        assert.strictEqual(Option.getOrUndefined(found)?.run, "c");
        assert.isTrue(Option.isNone(yield* store.findByCacheKey("K")));
      }),
    );

    it.effect("says that a run whose process is gone was interrupted, with its stages", () =>
      Effect.gen(function* () {
        const store = yield* open;
        const dead = run("dead", 1, { pid: deadPid() });
        const older = run("older", 2, { startedAt: new Date(0) });
        yield* store.startRun(dead);
        yield* store.putStage(stage("dead", "one"));
        yield* store.putStage(stage("dead", "next", { status: "running" }));
        yield* store.startRun(run("living", 3));
        yield* store.startRun(older);
        const statuses = (yield* store.runs(10)).map(({ id, status }) => `${id} ${status}`);
        assert.deepStrictEqual(statuses, ["older running", "living running", "dead interrupted"]);
        const found = Option.getOrThrow(yield* store.run("dead"));
        assert.strictEqual(found.status, "interrupted");
        assert.deepStrictEqual(
          found.stages.map(({ status }) => status),
          ["succeeded", "interrupted"],
        );
      }),
    );

    it.effect("gives the hooks of the newest run of that pipeline that ended", () =>
      Effect.gen(function* () {
        const store = yield* open;
        const hooks = (raised: number): Run["hooks"] => [
          {
            stage: "next",
            signal: "s",
            hook: Hook.rerun({ armAt: 1, armed: true }),
            decisions: [],
            state: { ...Hook.initial, raised },
          },
        ];
        const ended = { status: "failed", endedAt: at(50) } as const;
        const finish = (id: string, second: number, change: Partial<Run>) =>
          Effect.andThen(
            store.startRun(run(id, second)),
            store.endRun(run(id, second, { ...ended, ...change })),
          );
        yield* finish("a", 2, { hooks: hooks(1) });
        yield* finish("b", 1, { hooks: hooks(2) });
        yield* finish("c", 3, { hooks: hooks(3), pipeline: "another" });
        yield* store.startRun(run("d", 4));
        assert.deepStrictEqual(yield* store.hooks("count"), hooks(2));
        assert.deepStrictEqual(yield* store.hooks("no such"), []);
      }),
    );
  });
}

describe("a store on disk", () => {
  it.effect("is shared by those who open it, and is there the next time", () =>
    Effect.gen(function* () {
      const folder = path.join(yield* temporaryFolder, "not", "yet");
      const write = (id: string, second: number) =>
        Effect.scoped(
          Effect.flatMap(build(Store.layer(folder)), (store) => store.startRun(run(id, second))),
        );
      const reader = yield* build(Store.layer(folder));
      yield* write("a", 0);
      yield* write("b", 1);
      assert.deepStrictEqual(
        (yield* reader.runs(9)).map(({ id }) => id),
        ["b", "a"],
      );
    }),
  );

  it.effect("fails with advice where it cannot be", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const file = path.join(folder, "file");
      fs.writeFileSync(file, "");
      const error = yield* Effect.flip(build(Store.layer(path.join(file, "state"))));
      assert.match(error.message, /^cannot open the record of runs .*choose another folder/);
    }),
  );

  it.effect("fails with other advice if the file is damaged", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      fs.writeFileSync(path.join(folder, "ml-pipe.sqlite"), "not a database ".repeat(100));
      const error = yield* Effect.flip(build(Store.layer(folder)));
      assert.match(error.message, /file is not a database.*move it away/);
    }),
  );

  it.effect("fails with advice if the disk is full, and keeps what it has", (test) =>
    Effect.gen(function* () {
      const disk = yield* smallDisk;
      if (disk === undefined) return test.skip("cannot mount a small disk here");
      const store = yield* build(Store.layer(disk));
      yield* store.startRun(run("a", 0));
      const large = stage("a", "one", { outputs: { "": "x".repeat(1_200_000) } });
      const error = yield* Effect.flip(store.putStage(large));
      assert.match(error.message, /^cannot record a stage .*full.*disk is not full/);
      yield* store.putStage(stage("a", "one"));
      const found = Option.getOrThrow(yield* store.run("a"));
      assert.deepStrictEqual(found.stages, [stage("a", "one")]);
    }),
  );

  it.effect("is read where it cannot be written, also what a killed process left behind", (test) =>
    Effect.gen(function* () {
      const disk = yield* smallDisk;
      if (disk === undefined) return test.skip("cannot mount a small disk here");
      const folder = yield* temporaryFolder;
      const store = yield* build(Store.layer(folder));
      yield* store.startRun(run("a", 0, { status: "succeeded" }));
      yield* store.putStage(stage("a", "one", { outputs: { "": 1 } }));
      // What was written last is beside the file still.
      for (const part of ["", "-wal"]) {
        const name = `ml-pipe.sqlite${part}`;
        assert.isAbove(fs.statSync(path.join(folder, name)).size, 0);
        fs.copyFileSync(path.join(folder, name), path.join(disk, name));
      }
      assert.strictEqual(spawnSync("mount", ["-o", "remount,ro", disk]).status, 0);
      const reader = yield* build(Store.layerToRead(disk));
      assert.lengthOf(Option.getOrThrow(yield* reader.run("a")).stages, 1);
      yield* reader.lineage.update;
      assert.isDefined(yield* reader.lineage.execution("a", "one"));
      const refused = yield* Effect.flip(build(Store.layer(disk)));
      assert.match(refused.message, /^cannot open the record of runs/);
      const before = fs.readdirSync(disk);
      assert.deepStrictEqual(before.toSorted(), ["ml-pipe.sqlite", "ml-pipe.sqlite-wal"]);
    }),
  );

  it.effect("tells which runs begin with a text, the newest first", () =>
    Effect.gen(function* () {
      const store = yield* build(Store.layerMemory);
      for (const id of ["2026-a", "2026-b", "2027"]) yield* store.startRun(run(id, 0));
      assert.deepStrictEqual(yield* store.idsBeginning("2026"), ["2026-b", "2026-a"]);
      assert.deepStrictEqual(yield* store.idsBeginning("x"), []);
    }),
  );

  it.effect("tells what stages handed on, of those that mention a text and succeeded", () =>
    Effect.gen(function* () {
      const store = yield* build(Store.layerMemory);
      yield* store.startRun(run("a", 0));
      yield* store.startRun(run("b", 1));
      yield* store.putStage(stage("a", "one", { outputs: { "": { digest: "sha256-1" } } }));
      yield* store.putStage(stage("a", "two", { outputs: { rows: 3 } }));
      yield* store.putStage(stage("b", "one", { outputs: { "": { digest: "sha256-1" } } }));
      yield* store.putStage(
        stage("b", "two", { status: "failed", outputs: { "": { digest: "sha256-1" } } }),
      );
      const found = yield* store.handedOn("sha256-1", 10);
      assert.deepStrictEqual(
        found.map(({ run, stage, outputs }) => [run, stage, outputs]),
        [
          ["b", "one", { "": { digest: "sha256-1" } }],
          ["a", "one", { "": { digest: "sha256-1" } }],
        ],
      );
      assert.lengthOf(yield* store.handedOn("sha256-1", 1), 1);
      assert.deepStrictEqual(yield* store.handedOn("sha256-2", 10), []);
    }),
  );
});

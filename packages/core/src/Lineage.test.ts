import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import * as Digest from "./Digest.ts";
import { artifact, graphOf, runOf, sourceFile, stageOf } from "./internal/records.fixture.ts";
import * as Lineage from "./Lineage.ts";
import type { Run, StageRun } from "./Run.ts";
import { Store } from "./Store.ts";

/** Records a run whose stages ended in graph order. */
const record = Effect.fnUntraced(function* (run: Run, stages: ReadonlyArray<StageRun>) {
  const store = yield* Store;
  yield* store.startRun(run);
  yield* Effect.forEach(stages, store.putStage);
});

const graph = graphOf({
  load: {},
  split: { data: "load" },
  train: { data: "split.train" },
  judge: { model: "train", data: "split.test" },
  release: { model: "train", verdict: "judge" },
});

const model = artifact("model");
const stagesOf = (run: string, change: { readonly [stage: string]: Partial<StageRun> } = {}) =>
  [
    stageOf(run, "load", { outputs: { "": { file: sourceFile("/data/rows.csv", "rows") } } }),
    stageOf(run, "split", { outputs: { train: artifact("half"), test: artifact("rest") } }),
    stageOf(run, "train", { outputs: { "": { document: model, rows: 3 } } }),
    stageOf(run, "judge", { outputs: { "": { status: "passed" } } }),
    stageOf(run, "release", {
      outputs: { "": { name: "delay", version: 1, verdict: {}, document: model } },
    }),
  ].map((stage) => ({ ...stage, ...change[stage.stage] }));

const names = (places: ReadonlyArray<Parameters<typeof Lineage.nameOf>[0]>) =>
  places.map(Lineage.nameOf).toSorted();
const stageNames = ({ stages }: Lineage.Lineage) =>
  stages.map(({ run, stage }) => `${run}/${stage}`).toSorted();

const layer = Effect.provide(Store.layerMemory);

describe("find", () => {
  const found = (wanted: string) =>
    Effect.gen(function* () {
      yield* record(runOf("r-first", graph), stagesOf("r-first"));
      yield* record(
        runOf("r-second", graph),
        stagesOf("r-second", { split: { status: "cached", reusedFrom: "r-first" } }),
      );
      return yield* Lineage.find(wanted);
    }).pipe(layer);
  const digest = Digest.ofBytes("half");

  for (const wanted of [digest, digest.slice(0, 14), digest.slice(7, 20)]) {
    it.effect(`takes ${wanted}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(names(yield* found(wanted)), ["r-first/split.train"]);
      }),
    );
  }

  it.effect("takes a file in artifacts/", () =>
    Effect.gen(function* () {
      const hex = digest.slice(7);
      const file = `.ml-pipe/artifacts/${hex.slice(0, 2)}/${hex}`;
      assert.deepStrictEqual(names(yield* found(file)), ["r-first/split.train"]);
    }),
  );

  it.effect("takes a stage, a port of it and a release; reuse leads to the execution", () =>
    Effect.gen(function* () {
      const both = ["r-first/split.test", "r-first/split.train"];
      assert.deepStrictEqual(names(yield* found("r-first/split")), both);
      assert.deepStrictEqual(names(yield* found("r-s/split")), both);
      assert.deepStrictEqual(names(yield* found("r-s/split.test")), ["r-first/split.test"]);
      assert.deepStrictEqual(names(yield* found("delay@1")), [
        "r-first/release",
        "r-second/release",
      ]);
    }),
  );

  it.effect("shows who made a file, not who handed it on", () =>
    Effect.gen(function* () {
      const { digest: modelDigest } = { digest: Digest.ofBytes("model") };
      assert.deepStrictEqual(names(yield* found(modelDigest)), ["r-first/train", "r-second/train"]);
    }),
  );

  for (const wanted of ["nothing", "sha256-00", "r-first/nothing", "r-first/split.no", "delay@7"]) {
    it.effect(`refuses ${wanted}`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(found(wanted));
        assert.strictEqual(error._tag, "ArtifactUnknown");
        assert.include(error.message, `"${wanted}"`);
      }),
    );
  }

  it.effect("refuses the beginning of several digests", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(found("sha256-"));
      assert.strictEqual(error._tag, "ArtifactUnknown");
      assert.match(error.message, /may be sha256-[0-9a-f]{64} or .*Name one of them/);
    }),
  );
});

describe("trace", () => {
  it.effect("leads up to the source, and says what it was", () =>
    Effect.gen(function* () {
      yield* record(
        runOf("a", graph),
        stagesOf("a", {
          load: {
            ingredients: {
              code: {},
              params: null,
              charter: null,
              contracts: {},
              environment: {},
              inputs: {},
              reads: { path: "/data/rows.csv" },
            },
          },
        }),
      );
      const up = yield* Lineage.trace(yield* Lineage.find("a/train"), "up");
      assert.deepStrictEqual(stageNames(up), ["a/load", "a/split", "a/train"]);
      assert.deepStrictEqual(names(up.values), ["a/load", "a/split.train", "a/train"]);
      const load = up.stages.find(({ stage }) => stage === "load");
      assert.deepStrictEqual(load?.reads, { path: "/data/rows.csv" });
      const [source] = up.values.find(({ stage }) => stage === "load")?.files ?? [];
      assert.strictEqual(source?.path, "/data/rows.csv");
    }).pipe(layer),
  );

  it.effect("leads down to releases, also those of runs that reused an output", () =>
    Effect.gen(function* () {
      yield* record(runOf("a", graph), stagesOf("a"));
      const reused = { status: "cached", reusedFrom: "a" } as const;
      yield* record(runOf("b", graph), stagesOf("b", { load: reused, split: reused }));
      const down = yield* Lineage.trace(yield* Lineage.find("a/split.train"), "down");
      assert.deepStrictEqual(
        stageNames(down),
        ["a", "b"].flatMap((run) => [`${run}/judge`, `${run}/release`, `${run}/train`]),
      );
      const releases = down.values.flatMap(({ release = [] }) => release);
      assert.deepStrictEqual(releases, ["delay@1", "delay@1"]);
      const up = yield* Lineage.trace(yield* Lineage.find("a/split.train"), "up");
      assert.strictEqual(up.stages.find(({ stage }) => stage === "split")?.reusedBy, 1);
    }).pipe(layer),
  );

  it.effect("sees what was recorded since it was last asked", () =>
    Effect.gen(function* () {
      yield* record(runOf("a", graph), []);
      assert.strictEqual((yield* Effect.flip(Lineage.find("a/load")))._tag, "ArtifactUnknown");
      const { putStage } = yield* Store;
      yield* putStage(stageOf("a", "load", { status: "running" }));
      yield* Effect.flip(Lineage.find("a/load"));
      yield* putStage(stageOf("a", "load", { outputs: { "": artifact("first") } }));
      assert.lengthOf(yield* Lineage.find(Digest.ofBytes("first")), 1);
      yield* putStage(stageOf("a", "load", { outputs: { "": artifact("second") } }));
      assert.lengthOf(yield* Lineage.find(Digest.ofBytes("second")), 1);
      yield* Effect.flip(Lineage.find(Digest.ofBytes("first")));
    }).pipe(layer),
  );

  it.effect("is the reachability of the recorded graphs, whatever was reused", () =>
    Effect.gen(function* () {
      // Stage n of a run takes the outputs of some stages before it; the run executes it, or reuses
      // the execution of the newest run that did.
      const arbitrary = fc.array(
        fc.array(
          fc.record({ inputs: fc.array(fc.nat(5), { maxLength: 3 }), reuse: fc.boolean() }),
          {
            minLength: 1,
            maxLength: 6,
          },
        ),
        { minLength: 1, maxLength: 5 },
      );
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(arbitrary, (runs) => Effect.runPromise(agrees(runs).pipe(layer))),
          { numRuns: 60 },
        ),
      );
    }),
  );
});

type Shape = ReadonlyArray<
  ReadonlyArray<{ readonly inputs: ReadonlyArray<number>; readonly reuse: boolean }>
>;

/** Records runs of this shape and compares every trace with a search by hand. */
const agrees = Effect.fnUntraced(function* (shape: Shape) {
  const executed = new Map<string, string>();
  const edges: Array<readonly [string, string]> = [];
  const all: Array<string> = [];
  for (const [index, stages] of shape.entries()) {
    const run = `r${index}`;
    const inputsOf = (place: number) =>
      [...new Set(stages[place]?.inputs ?? [])].filter((before) => before < place);
    const shapeOf = stages.map(
      (_, place) =>
        [`s${place}`, Object.fromEntries(inputsOf(place).map((n) => [`i${n}`, `s${n}`]))] as const,
    );
    const here = new Map<string, string>();
    const records = stages.map(({ reuse }, place) => {
      const name = `s${place}`;
      const before = reuse ? executed.get(name) : undefined;
      here.set(name, before ?? run);
      const outputs = { "": artifact(`${before ?? run} ${name}`) };
      if (before !== undefined) {
        return stageOf(run, name, { outputs, status: "cached", reusedFrom: before });
      }
      all.push(`${run}/${name}`);
      for (const input of inputsOf(place)) {
        edges.push([`${here.get(`s${input}`)}/s${input}`, `${run}/${name}`]);
      }
      return stageOf(run, name, { outputs });
    });
    for (const [name, by] of here) executed.set(name, by);
    yield* record(runOf(run, graphOf(Object.fromEntries(shapeOf))), records);
  }
  for (const id of all) {
    const [run = "", stage = ""] = id.split("/");
    const roots = yield* Lineage.find(Digest.ofBytes(`${run} ${stage}`));
    assert.deepStrictEqual(names(roots), [id]);
    const up = yield* Lineage.trace(roots, "up");
    assert.deepStrictEqual(
      stageNames(up),
      reach(
        id,
        edges.map(([a, b]) => [b, a] as const),
      ),
    );
    const down = yield* Lineage.trace(roots, "down");
    assert.deepStrictEqual(
      stageNames(down),
      reach(id, edges).filter((other) => other !== id),
    );
  }
});

const reach = (from: string, edges: ReadonlyArray<readonly [string, string]>) => {
  const found = new Set([from]);
  for (const one of found) for (const [a, b] of edges) if (a === one) found.add(b);
  return [...found].toSorted();
};

import * as fs from "node:fs";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as TestClock from "effect/testing/TestClock";
import * as fc from "fast-check";
import * as Digest from "./Digest.ts";
import { deadPid, filesBelow, temporaryFolder } from "./internal/folder.fixture.ts";
import { artifact, graphOf, runOf, stageOf } from "./internal/records.fixture.ts";
import { RemoveFile } from "./internal/retentionFiles.ts";
import * as Lineage from "./Lineage.ts";
import * as Retention from "./Retention.ts";
import type { RunStatus } from "./Run.ts";
import { Store } from "./Store.ts";

const day = 86_400_000;
const now = Date.UTC(2026, 10, 24);

/** A run of the n-th day before today. */
interface RunShape {
  readonly pipeline: number;
  readonly status: RunStatus;
  readonly daysAgo: number;
  /** Artifacts that its one stage refers to. */
  readonly artifacts: ReadonlyArray<number>;
  /** An earlier run whose output it reused. */
  readonly reuses: number | null;
  readonly causedBy: number | null;
  readonly kept: boolean;
  readonly approved: boolean;
  /** Made a release, whose file refers to this artifact. */
  readonly released: number | null;
}

interface World {
  readonly runs: ReadonlyArray<RunShape>;
  /** What each artifact refers to, and whether it is young. */
  readonly artifacts: ReadonlyArray<{ readonly refersTo: number | null; readonly young: boolean }>;
}

const artifactCount = 8;
const artifactIndex = fc.nat(artifactCount - 1);
const maybe = (arbitrary: fc.Arbitrary<number>) => fc.option(arbitrary, { freq: 4 });
const worlds: fc.Arbitrary<World> = fc.record({
  runs: fc.array(
    fc.record({
      pipeline: fc.nat(1),
      status: fc.constantFrom<RunStatus>(
        "succeeded",
        "failed",
        "suspended",
        "succeeded",
        "stopped",
      ),
      daysAgo: fc.nat(60),
      artifacts: fc.array(artifactIndex, { maxLength: 3 }),
      reuses: maybe(fc.nat(5)),
      causedBy: maybe(fc.nat(5)),
      kept: fc.integer({ min: 0, max: 5 }).map((value) => value === 0),
      approved: fc.integer({ min: 0, max: 5 }).map((value) => value === 0),
      released: maybe(artifactIndex),
    }),
    { maxLength: 7 },
  ),
  artifacts: fc.array(fc.record({ refersTo: maybe(artifactIndex), young: fc.boolean() }), {
    minLength: artifactCount,
    maxLength: artifactCount,
  }),
});

const policies = fc.record({ keepRuns: fc.nat(2), keepDays: fc.constantFrom(0, 10, 30) });

const idOf = (index: number) => `20261124-000000-${String(index).padStart(8, "0")}`;

/** The text of each artifact; one may mention another that comes after it. */
const contents = ({ artifacts }: World): ReadonlyArray<string> => {
  const texts: Array<string> = [];
  for (const [index, { refersTo }] of [...artifacts.entries()].toReversed()) {
    const other = refersTo !== null && refersTo > index ? texts[refersTo] : undefined;
    const mention = other === undefined ? null : Digest.ofBytes(other);
    texts[index] = JSON.stringify({ index, mention });
  }
  return texts;
};

const fileOf = (text: string) => {
  const hex = Digest.ofBytes(text).slice(7);
  return `artifacts/${hex.slice(0, 2)}/${hex}`;
};

const write = (folder: string, name: string, text: string, modified = now - day) => {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
  fs.utimesSync(file, modified / 1000, modified / 1000);
};

const earlier = (reference: number | null, index: number) =>
  reference !== null && reference < index ? reference : undefined;

/** Writes a world to disk. */
const build = Effect.fnUntraced(function* (folder: string, world: World) {
  const store = yield* Store;
  const texts = contents(world);
  for (const [index, text] of texts.entries()) {
    write(folder, fileOf(text), text, world.artifacts[index]?.young === true ? now : now - day);
  }
  for (const [index, shape] of world.runs.entries()) {
    const id = idOf(index);
    const origin = earlier(shape.reuses, index);
    const cause = earlier(shape.causedBy, index);
    const graph = graphOf({ work: {}, ship: {} }, `p${shape.pipeline}`);
    const startedAt = new Date(now - shape.daysAgo * day);
    yield* store.startRun(
      runOf(id, graph, {
        status: shape.status,
        startedAt,
        endedAt: startedAt,
        ...(cause === undefined ? {} : { causedBy: { run: idOf(cause), signal: "drift" } }),
      }),
    );
    const outputs = { "": shape.artifacts.map((one) => artifact(texts[one] ?? "")) };
    yield* store.putStage(
      stageOf(id, "work", {
        outputs,
        ...(origin === undefined ? {} : { status: "cached", reusedFrom: idOf(origin) }),
      }),
    );
    if (shape.released !== null) {
      const release = { name: "r", version: index + 1, verdict: {} };
      yield* store.putStage(stageOf(id, "ship", { outputs: { "": release } }));
      const mention = Digest.ofBytes(texts[shape.released] ?? "");
      write(folder, `releases/r/${index + 1}.json`, JSON.stringify({ ...release, mention }));
    }
    if (shape.kept) yield* store.retention.keep(id, true, startedAt);
    if (shape.approved) {
      yield* store.approvals.put({
        pipeline: graph.pipeline,
        gate: "sign-off",
        run: id,
        evidence: Digest.ofBytes("evidence"),
        approver: "ana",
        decision: "approve",
        reason: "good",
        at: startedAt,
        expiresAt: startedAt,
        input: null,
      });
    }
    write(folder, `reports/${id}.html`, "report");
    write(folder, `logs/${id}.ndjson`, "log");
  }
});

/** What must be left, by a search that shares nothing with the code. */
const expected = (
  world: World,
  policy: { readonly keepRuns: number; readonly keepDays: number },
) => {
  const { runs } = world;
  const newestFirst = [...runs.keys()].toReversed();
  const ofPipeline = (index: number) =>
    newestFirst.filter((other) => runs[other]?.pipeline === runs[index]?.pipeline);
  let kept = new Set(
    [...runs.entries()].flatMap(([index, run]) => {
      const rank = ofPipeline(index).indexOf(index);
      const stays =
        run.kept ||
        run.approved ||
        run.released !== null ||
        run.status === "suspended" ||
        rank < Math.max(1, policy.keepRuns) ||
        run.daysAgo <= policy.keepDays;
      return stays ? [index] : [];
    }),
  );
  for (let before = -1; before !== kept.size;) {
    before = kept.size;
    const more = [...kept].flatMap((index) => {
      const run = runs[index];
      return [earlier(run?.reuses ?? null, index), earlier(run?.causedBy ?? null, index)];
    });
    kept = new Set([...kept, ...more.filter((one) => one !== undefined)]);
  }
  const used = new Set(
    [...runs.entries()].flatMap(([index, run]) => [
      ...(kept.has(index) ? run.artifacts : []),
      ...(run.released === null ? [] : [run.released]),
    ]),
  );
  for (const one of used) {
    const next = world.artifacts[one]?.refersTo;
    if (next !== undefined && next !== null && next > one) used.add(next);
  }
  const texts = contents(world);
  const stay = texts.filter(
    (_, index) => used.has(index) || world.artifacts[index]?.young === true,
  );
  return {
    runs: [...kept].map(idOf).toSorted(),
    files: [
      ...stay.map(fileOf),
      ...[...kept].flatMap((index) => [
        `logs/${idOf(index)}.ndjson`,
        `reports/${idOf(index)}.html`,
      ]),
      ...runs.flatMap(({ released }, index) =>
        released === null ? [] : [`releases/r/${index + 1}.json`],
      ),
    ].toSorted(),
  };
};

const found = Effect.fnUntraced(function* (folder: string) {
  const store = yield* Store;
  const files = filesBelow(folder).filter((name) => name.includes("/"));
  return {
    runs: (yield* store.runs(-1)).map(({ id }) => id).toSorted(),
    files: files.toSorted(),
  };
});

/** Does something in a folder of its own, on a day in November. */
const inFolder = <A, E>(work: (folder: string) => Effect.Effect<A, E, Store>) =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder;
    yield* TestClock.setTime(now);
    return yield* work(folder).pipe(Effect.provide(Store.layer(folder)));
  });

const check = <A>(arbitrary: fc.Arbitrary<A>, holds: (value: A) => Effect.Effect<void, unknown>) =>
  Effect.promise(() =>
    fc.assert(
      fc.asyncProperty(arbitrary, (value) => Effect.runPromise(holds(value))),
      { numRuns: 60 },
    ),
  );

const withClock = <A, E>(work: (folder: string) => Effect.Effect<A, E, Store>) =>
  Effect.scoped(inFolder(work)).pipe(Effect.provide(TestClock.layer()));

const toPolicy = ({ keepRuns, keepDays }: { keepRuns: number; keepDays: number }) => ({
  keepRuns,
  keepFor: keepDays * day,
});

/** Everything that a recorded stage refers to is there. */
const isWhole = Effect.fnUntraced(function* (folder: string) {
  const store = yield* Store;
  for (const { id } of yield* store.runs(-1)) {
    const run = yield* store.run(id);
    const text = JSON.stringify(run._tag === "Some" ? run.value.stages.map((s) => s.outputs) : []);
    for (const [, hex = ""] of text.matchAll(/"sha256-([0-9a-f]{64})","bytes"/g)) {
      const file = path.join(folder, "artifacts", hex.slice(0, 2), hex);
      assert.isTrue(fs.existsSync(file), `${id} refers to ${hex}`);
    }
  }
});

describe("collect", () => {
  it.effect("leaves exactly what something refers to or is new, and says so before", () =>
    check(fc.tuple(worlds, policies), ([world, policy]) =>
      withClock((folder) =>
        Effect.gen(function* () {
          yield* build(folder, world);
          const before = yield* found(folder);
          const dry = yield* Retention.preview(folder, toPolicy(policy));
          assert.deepStrictEqual(yield* found(folder), before);
          const real = yield* Retention.collect(folder, toPolicy(policy));
          assert.deepStrictEqual({ ...real, dry: true, shrunkBytes: 0 }, dry);
          assert.deepStrictEqual(yield* found(folder), expected(world, policy));
          assert.deepStrictEqual(
            real.stays.runs.map(({ run }) => run).toSorted(),
            expected(world, policy).runs,
          );
          const encoded = Schema.encodeSync(Retention.Retention)(real);
          assert.deepStrictEqual(Schema.decodeSync(Retention.Retention)(encoded), real);
          yield* isWhole(folder);
          const again = yield* Retention.collect(folder, toPolicy(policy));
          assert.strictEqual(again.removed.bytes + again.removed.runs.length, 0);
        }),
      ),
    ),
  );

  it.effect("is whole wherever it ends, and the next one goes on", () =>
    check(fc.tuple(worlds, policies, fc.nat(12)), ([world, policy, survives]) =>
      withClock((folder) =>
        Effect.gen(function* () {
          yield* build(folder, world);
          let left = survives;
          // As if it was killed: the first few files go, no other does.
          const killed = Effect.provideService(RemoveFile, (file) => {
            if (left-- <= 0) return Promise.reject(new Error("killed"));
            return Promise.resolve(fs.rmSync(file));
          });
          yield* Retention.collect(folder, toPolicy(policy)).pipe(killed, Effect.exit);
          yield* isWhole(folder);
          yield* Retention.collect(folder, toPolicy(policy));
          assert.deepStrictEqual(yield* found(folder), expected(world, policy));
        }),
      ),
    ),
  );

  const two = (folder: string) =>
    Effect.gen(function* () {
      const store = yield* Store;
      for (const [index, text] of ["old", "new"].entries()) {
        const id = idOf(index);
        const startedAt = new Date(now - (2 - index) * 100 * day);
        yield* store.startRun(runOf(id, graphOf({ work: {} }), { startedAt }));
        yield* store.putStage(
          stageOf(id, "work", { cacheKey: text, outputs: { "": artifact(text) } }),
        );
        write(folder, fileOf(text), text);
        write(folder, `reports/${id}.html`, "report");
      }
    });
  const strict = { keepRuns: 1, keepFor: 0 };

  it.effect("says why a run stays; one kept by hand stays until it is not", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        yield* two(folder);
        const { retention } = yield* Store;
        yield* retention.keep(idOf(0), true, new Date(now));
        const { stays } = yield* Retention.collect(folder, strict);
        assert.deepStrictEqual(
          stays.runs.map(({ reasons }) => reasons),
          [["newest of count", "the hooks of the next run go on from it"], ["kept by hand"]],
        );
        yield* retention.keep(idOf(0), false, new Date(now));
        const { removed } = yield* Retention.collect(folder, strict);
        assert.deepStrictEqual(
          removed.runs.map(({ run }) => run),
          [idOf(0)],
        );
        assert.strictEqual(removed.bytes, 3 + 6);
      }),
    ),
  );

  it.effect("forgets an execution with its run, and the index of lineage keeps up", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        yield* two(folder);
        const store = yield* Store;
        const digest = Digest.ofBytes("old");
        assert.lengthOf(yield* Lineage.find(digest), 1);
        yield* store.items.put([
          { cacheKey: "a", run: idOf(0), stage: "work", key: "a", outcome: { outputs: {} } },
          { cacheKey: "b", run: idOf(1), stage: "work", key: "b", outcome: { outputs: {} } },
        ]);
        yield* Retention.collect(folder, strict);
        assert.strictEqual((yield* store.findByCacheKey("old"))._tag, "None");
        assert.strictEqual((yield* store.findByCacheKey("new"))._tag, "Some");
        assert.deepStrictEqual([...(yield* store.items.find(["a", "b"])).keys()], ["b"]);
        assert.strictEqual((yield* Effect.flip(Lineage.find(digest)))._tag, "ArtifactUnknown");
        yield* store.putStage(stageOf(idOf(1), "work", { outputs: { "": artifact("newer") } }));
        assert.lengthOf(yield* Lineage.find(Digest.ofBytes("newer")), 1);
      }),
    ),
  );

  it.effect("removes what killed processes left, not what living ones write", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const dead = deadPid();
        write(folder, `tmp/${dead}-00ff`, "half");
        write(folder, `tmp/${process.pid}-00ff`, "half", Date.now());
        write(folder, `releases/r/.${dead}-1-1.tmp`, "half");
        write(folder, "artifacts/notes.txt", "mine");
        const { removed } = yield* Retention.collect(folder);
        assert.deepStrictEqual(
          removed.files.map(({ path }) => path),
          [`tmp/${dead}-00ff`, `releases/r/.${dead}-1-1.tmp`],
        );
        const left = (yield* found(folder)).files;
        assert.deepStrictEqual(left, ["artifacts/notes.txt", `tmp/${process.pid}-00ff`]);
      }),
    ),
  );

  it.effect("names a file that cannot be removed, and goes on with the rest", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        yield* two(folder);
        const denied = Object.assign(new Error("denied"), { code: "EACCES" });
        const { removed, failures } = yield* Retention.collect(folder, strict).pipe(
          Effect.provideService(RemoveFile, (file) => {
            if (file.includes("artifacts")) return Promise.reject(denied);
            fs.rmSync(file);
            return Promise.resolve();
          }),
        );
        const [failure] = failures;
        assert.strictEqual(failure?.path, path.join(folder, fileOf("old")));
        assert.match(failure?.message ?? "", /EACCES.*write access/);
        assert.deepStrictEqual(
          removed.files.map((file) => file.path),
          [`reports/${idOf(0)}.html`],
        );
        const again = yield* Retention.collect(folder, strict);
        assert.deepStrictEqual(
          again.removed.artifacts.map((file) => file.path),
          [fileOf("old")],
        );
      }),
    ),
  );

  it.effect("removes nothing if it cannot read what a release refers to", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        yield* two(folder);
        fs.mkdirSync(path.join(folder, "releases/r/1.json"), { recursive: true });
        const before = yield* found(folder);
        const error = yield* Effect.flip(Retention.collect(folder, strict));
        assert.strictEqual(error._tag, "RetentionUncertain");
        assert.match(error.message, /releases.r.1\.json \(EISDIR\).*Nothing was removed/);
        assert.deepStrictEqual(yield* found(folder), before);
      }),
    ),
  );

  it.effect("removes no run that somebody keeps at the last moment", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        yield* two(folder);
        const { retention } = yield* Store;
        yield* retention.keep(idOf(0), true, new Date(now));
        const error = yield* Effect.flip(retention.remove(new Set([idOf(0)])));
        assert.match(error.message, new RegExp(`kept or approved ${idOf(0)}`));
        assert.lengthOf((yield* found(folder)).runs, 2);
      }),
    ),
  );

  it.effect("gives space back once much is free", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        yield* two(folder);
        const { putStage } = yield* Store;
        yield* putStage(stageOf(idOf(0), "work", { outputs: { "": "x".repeat(4 << 20) } }));
        const { shrunkBytes } = yield* Retention.collect(folder, strict);
        assert.isAbove(shrunkBytes, 4 << 20);
      }),
    ),
  );
});

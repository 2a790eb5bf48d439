import * as fs from "node:fs";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Artifact, ArtifactStore, digestFile } from "./Artifact.ts";
import { Digest } from "./Digest.ts";
import { CodeOf, Engine } from "./Engine.ts";
import { charter, charterWith } from "./internal/charter.fixture.ts";
import {
  adder,
  engine,
  engineIn,
  newest,
  observe,
  source,
  stageOf,
  withCode,
} from "./internal/engine.fixture.ts";
import { temporaryFolder } from "./internal/folder.fixture.ts";
import * as Column from "./Column.ts";
import * as Contract from "./Contract.ts";
import * as Pipeline from "./Pipeline.ts";
import * as Stage from "./Stage.ts";

/** Three stages in a row, with what may change between two runs. */
const chain = ({ value = 1, add = 1 } = {}) =>
  Pipeline.make("chain", { charter }, () => {
    const first = source("first", value).stage();
    const second = adder("second", add).stage({ n: first });
    return { out: adder("third", 10).stage({ n: second }) };
  });

const again = "cached";
const ran = "succeeded";

describe("a stage whose inputs, parameters and code are unchanged", () => {
  it.effect("is not run again: its output, findings and rows come from the record", () =>
    Effect.gen(function* () {
      const tell = Stage.make("tell", {
        input: {},
        output: Schema.Struct({ at: Schema.DateFromString, list: Schema.Array(Schema.Int) }),
        run: (_, { finding, progress }) =>
          Effect.gen(function* () {
            yield* progress({ label: "rows", rows: 12 });
            yield* finding({ check: "c", severity: "warn", expected: "", found: "", next: "" });
            return { at: new Date(7), list: [1, 2] };
          }),
      });
      const pipeline = Pipeline.make("p", { charter }, () => ({ out: tell() }));
      const first = yield* observe(pipeline);
      const second = yield* observe(pipeline);
      const record = stageOf(second.run, "tell");
      assert.strictEqual(record.status, "cached");
      assert.strictEqual(record.reusedFrom, first.run.id);
      assert.strictEqual(record.cacheNote, "inputs, parameters and code are unchanged");
      assert.deepStrictEqual([record.rows, record.findings.length], [12, 1]);
      const value = { at: new Date(7), list: [1, 2] };
      assert.isTrue(second.exit._tag === "Success");
      if (second.exit._tag === "Success") {
        assert.deepStrictEqual(second.exit.value.outputs.out, value);
      }
      assert.deepStrictEqual(
        second.events.map(({ _tag }) => _tag),
        ["RunStarted", "StageEnded", "RunEnded"],
      );
      const third = yield* observe(pipeline);
      assert.strictEqual(stageOf(third.run, "tell").reusedFrom, first.run.id);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("is not run again in another process either", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      yield* observe(chain()).pipe(Effect.provide(engineIn(folder)));
      const { statuses } = yield* observe(chain()).pipe(Effect.provide(engineIn(folder)));
      assert.deepStrictEqual(statuses, [`first ${again}`, `second ${again}`, `third ${again}`]);
    }).pipe(withCode()),
  );

  it.effect("runs all the same when forced", () =>
    Effect.gen(function* () {
      yield* observe(chain());
      const { statuses, run } = yield* observe(chain(), { force: true });
      assert.deepStrictEqual(statuses, [`first ${ran}`, `second ${ran}`, `third ${ran}`]);
      assert.strictEqual(stageOf(run, "first").cacheNote, "forced");
    }).pipe(withCode(), Effect.provide(engine)),
  );
});

describe("a stage runs again, and what depends on it,", () => {
  it.effect("if its parameters changed", () =>
    Effect.gen(function* () {
      yield* observe(chain());
      const { statuses, run } = yield* observe(chain({ add: 2 }));
      assert.deepStrictEqual(statuses, [`first ${again}`, `second ${ran}`, `third ${ran}`]);
      assert.match(stageOf(run, "second").cacheNote, /^parameter add: 1 → 2$/);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("if an input changed", () =>
    Effect.gen(function* () {
      yield* observe(chain());
      const { statuses } = yield* observe(chain({ value: 2 })).pipe(withCode({ first: "v2" }));
      assert.deepStrictEqual(statuses, [`first ${ran}`, `second ${ran}`, `third ${ran}`]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("if its code changed; unchanged bytes cut off what is downstream", () =>
    Effect.gen(function* () {
      yield* observe(chain());
      const { statuses } = yield* observe(chain()).pipe(withCode({ first: "v2", second: "v2" }));
      assert.deepStrictEqual(statuses, [`first ${ran}`, `second ${ran}`, `third ${again}`]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("if what it reads changed", () =>
    Effect.gen(function* () {
      let content = "a";
      const read = Stage.make("read", {
        input: {},
        output: Schema.String,
        fingerprint: Effect.sync(() => ({ content })),
        run: () => Effect.sync(() => content),
      });
      const pipeline = Pipeline.make("p", { charter }, () => ({ out: read() }));
      yield* observe(pipeline);
      assert.deepStrictEqual((yield* observe(pipeline)).statuses, [`read ${again}`]);
      content = "b";
      assert.deepStrictEqual((yield* observe(pipeline)).statuses, [`read ${ran}`]);
      content = "a";
      assert.deepStrictEqual((yield* observe(pipeline)).statuses, [`read ${again}`]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("if a contract of its inputs or outputs, or its charter, changed", () =>
    Effect.gen(function* () {
      const under = (max: number, smallestGain = 1) => {
        const for_ = charterWith({ smallestGain });
        const contract = Contract.make("flight", {
          version: "1",
          owner: "ops",
          columns: { delay: Column.int({ max }) },
        });
        const table = Schema.String.annotate(Contract.annotationsOf(contract));
        const read = Stage.make("read", {
          input: {},
          output: table,
          run: () => Effect.succeed("t"),
        });
        const judge = Stage.make("judge", {
          input: { table },
          output: Schema.Int,
          charter: for_,
          run: () => Effect.succeed(1),
        });
        return Pipeline.make("p", { charter: for_ }, () => ({ out: judge({ table: read() }) }));
      };
      yield* observe(under(10));
      assert.deepStrictEqual((yield* observe(under(10))).statuses, [
        `read ${again}`,
        `judge ${again}`,
      ]);
      assert.deepStrictEqual((yield* observe(under(11))).statuses, [`read ${ran}`, `judge ${ran}`]);
      assert.deepStrictEqual((yield* observe(under(11, 2))).statuses, [
        `read ${again}`,
        `judge ${ran}`,
      ]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("if it failed or was interrupted before: only success is kept", () =>
    Effect.gen(function* () {
      let broken = true;
      const flaky = Stage.make("flaky", {
        input: {},
        output: Schema.Int,
        run: () => Effect.suspend(() => (broken ? Effect.fail("down") : Effect.succeed(1))),
      });
      const pipeline = Pipeline.make("p", { charter }, () => ({ out: flaky() }));
      assert.deepStrictEqual((yield* observe(pipeline)).statuses, ["flaky failed"]);
      broken = false;
      assert.deepStrictEqual((yield* observe(pipeline)).statuses, [`flaky ${ran}`]);
    }).pipe(withCode(), Effect.provide(engine)),
  );
});

describe("a stage is never cached", () => {
  it.effect("if it acts on the outside world", () =>
    Effect.gen(function* () {
      const deploy = adder("deploy", 1, { cache: "never" });
      const pipeline = Pipeline.make("p", { charter }, () => ({
        out: deploy.stage({ n: source("one", 1).stage() }),
      }));
      yield* observe(pipeline);
      const { statuses, run } = yield* observe(pipeline);
      assert.deepStrictEqual(statuses, [`one ${again}`, `deploy ${ran}`]);
      assert.strictEqual(deploy.runs(), 2);
      assert.match(stageOf(run, "deploy").cacheNote, /acts on the outside world/);
      assert.isTrue(stageOf(run, "deploy").thisRunOnly);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("if its code is not known, and the run says why", () =>
    Effect.gen(function* () {
      yield* observe(chain());
      const { statuses, run } = yield* observe(chain());
      assert.deepStrictEqual(statuses, [`first ${ran}`, `second ${ran}`, `third ${ran}`]);
      assert.strictEqual(
        stageOf(run, "first").cacheNote,
        "not cached: the code of the stage was not identified",
      );
      const because = Effect.provideService(CodeOf, () =>
        Effect.succeed({ _tag: "Unknown", reason: "it calls eval" } as const),
      );
      const other = yield* observe(chain()).pipe(because);
      assert.strictEqual(stageOf(other.run, "first").cacheNote, "not cached: it calls eval");
    }).pipe(Effect.provide(engine)),
  );
});

describe("an artifact of a cached stage", () => {
  const Model = Schema.Struct({ model: Artifact, trees: Schema.Int });
  const write = Stage.make("write", {
    input: {},
    output: Model,
    run: () =>
      Effect.gen(function* () {
        return { model: yield* (yield* ArtifactStore).putJson({ trees: [1, 2] }), trees: 2 };
      }),
  });
  const read = Stage.make("read", {
    input: { it: Model },
    output: Schema.Unknown,
    run: ({ it }) =>
      Effect.gen(function* () {
        return yield* (yield* ArtifactStore).readJson(it.model);
      }),
  });
  const pipeline = Pipeline.make("p", { charter }, () => ({ out: read({ it: write() }) }));
  const file = Effect.gen(function* () {
    const { outputs } = stageOf(yield* newest, "write");
    const { model } = Schema.decodeUnknownSync(Model)(outputs?.[""]);
    return yield* (yield* ArtifactStore).path(model);
  });

  it.effect("that was deleted or damaged is made anew; equal bytes spare what is downstream", () =>
    Effect.gen(function* () {
      yield* observe(pipeline);
      assert.deepStrictEqual((yield* observe(pipeline)).statuses, [
        `write ${again}`,
        `read ${again}`,
      ]);
      const damage: ReadonlyArray<readonly [(at: string) => void, RegExp]> = [
        [(at) => fs.rmSync(at), /is not there/],
        [
          (at) => fs.writeFileSync(at, fs.readFileSync(at, "utf8").replace("1", "7")),
          /does not match/,
        ],
        [(at) => fs.truncateSync(at, 3), /does not match/],
      ];
      for (const [harm, note] of damage) {
        harm(yield* file);
        const { exit, statuses, run } = yield* observe(pipeline);
        assert.deepStrictEqual(statuses, [`write ${ran}`, `read ${again}`]);
        assert.match(stageOf(run, "write").cacheNote, note);
        assert.strictEqual(exit._tag, "Success");
        assert.include(fs.readFileSync(yield* file, "utf8"), '{"trees":[1,2]}');
      }
    }).pipe(withCode(), Effect.provide(engine)),
  );
});

describe("a stage that reads something because of its inputs", () => {
  it.effect("is reused as long as it reads the same, alone and over items", () =>
    Effect.gen(function* () {
      const prices = new Map([
        [1, 10],
        [2, 20],
      ]);
      const asked: Array<number> = [];
      const priced = Stage.make("priced", {
        input: { n: Schema.Int },
        output: Schema.Int,
        fingerprint: ({ n }) => Effect.sync(() => prices.get(n) ?? null),
        run: ({ n }) => Effect.sync(() => (asked.push(n), prices.get(n) ?? 0)),
      });
      const all = Stage.forEach("all", priced, { each: "n", key: String });
      const list = Stage.make("list", {
        input: {},
        output: Schema.Array(Schema.Int),
        run: () => Effect.succeed([1, 2]),
      });
      const pipeline = Pipeline.make("p", { charter }, () => ({
        one: priced({ n: source("number", 1).stage() }),
        all: all({ n: list() }),
      }));
      const statuses = () => Effect.map(observe(pipeline), ({ statuses }) => statuses);
      const planned = Effect.gen(function* () {
        const { stages } = yield* Engine.use((engine) => engine.plan(pipeline));
        return stages.map(({ stage, state }) => `${stage} ${state}`);
      });
      // What it reads cannot be known before its inputs are.
      assert.include(yield* planned, "priced stale");
      yield* statuses();
      assert.deepStrictEqual(
        (yield* planned).filter((text) => !text.endsWith("fresh")),
        [],
      );
      prices.set(2, 21);
      asked.length = 0;
      assert.includeMembers([...(yield* statuses())], ["priced cached", "all succeeded"]);
      assert.deepStrictEqual(asked, [2], "of the items, only the one that reads something else");
      prices.set(1, 11);
      assert.include(yield* planned, "priced stale");
      assert.includeMembers([...(yield* statuses())], ["priced succeeded", "all succeeded"]);
    }).pipe(Effect.provide(engine), withCode()),
  );
});

describe("a source file that lies elsewhere now", () => {
  it.effect("is the same to what depends on its content, and what names its place runs again", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      let place = path.join(folder, "before.csv");
      fs.writeFileSync(place, "1,2,3");
      const File = Schema.Struct({ path: Schema.String, digest: Digest, bytes: Schema.Int });
      const read = Effect.promise(() => digestFile(place)).pipe(
        Effect.map((found) => ({ path: place, ...found })),
      );
      const ingest = Stage.make("ingest", {
        input: {},
        output: File,
        fingerprint: read,
        run: () => read,
      });
      const handOn = Stage.make("hand-on", {
        input: { file: File },
        output: Schema.Struct({ file: File }),
        run: ({ file }) => Effect.succeed({ file }),
      });
      const count = Stage.make("count", {
        input: { checked: Schema.Struct({ file: File }) },
        output: Schema.Int,
        run: ({ checked }) => Effect.succeed(checked.file.bytes),
      });
      const pipeline = Pipeline.make("p", { charter }, () => ({
        count: count({ checked: handOn({ file: ingest() }) }),
      }));
      yield* observe(pipeline);
      const after = path.join(folder, "after.csv");
      fs.renameSync(place, after);
      place = after;
      const { run, statuses } = yield* observe(pipeline);
      assert.deepStrictEqual(statuses, ["ingest succeeded", "hand-on succeeded", "count cached"]);
      assert.match(stageOf(run, "hand-on").cacheNote, /before\.csv is not there any more/);
      assert.include(JSON.stringify(stageOf(run, "hand-on").outputs), "after.csv");
      fs.writeFileSync(place, "1,2,4");
      const changed = yield* observe(pipeline);
      assert.notInclude(changed.statuses.join(), "cached");
    }).pipe(Effect.provide(engine), withCode()),
  );
});

import { assert, describe, it } from "@effect/vitest";
import * as fs from "node:fs";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as fc from "fast-check";
import * as Schema from "effect/Schema";
import { Artifact, ArtifactStore } from "./Artifact.ts";
import { CodeOf, Engine } from "./Engine.ts";
import { charter } from "./internal/charter.fixture.ts";
import { engine, engineIn, observe, withCode } from "./internal/engine.fixture.ts";
import { filesBelow, temporaryFolder } from "./internal/folder.fixture.ts";
import * as Pipeline from "./Pipeline.ts";
import * as Stage from "./Stage.ts";
import { Store } from "./Store.ts";

const planOf = (pipeline: Pipeline.Pipeline<unknown, unknown, never>, force = false) =>
  Engine.use((engine) => engine.plan(pipeline, { force }));

const lines = Effect.fnUntraced(function* (pipeline: Pipeline.Pipeline<unknown, unknown, never>) {
  const { stages } = yield* planOf(pipeline);
  return stages.map(({ stage, state, reason }) => `${stage} ${state}: ${reason}`);
});

interface Given {
  readonly value?: number;
  readonly add?: number;
  readonly deep?: Schema.Json;
  readonly reads?: number;
}

/** source → add → last */
const chain = ({ value = 1, add = 1, deep = {}, reads = 0 }: Given = {}) =>
  Pipeline.make("p", { charter }, () => {
    const source = Stage.make("source", {
      input: {},
      output: Schema.Int,
      fingerprint: Effect.succeed({ file: "rows.csv", digest: reads }),
      run: () => Effect.succeed(value),
    });
    const plus = Stage.make("add", {
      input: { n: Schema.Int },
      output: Schema.Int,
      params: { add, deep },
      environment: ["ML_PIPE_TEST_DEPTH"],
      run: ({ n }) => Effect.succeed(n + add),
    });
    const last = Stage.make("last", {
      input: { n: Schema.Int },
      output: Schema.Int,
      run: ({ n }) => Effect.succeed(n),
    });
    return { out: last({ n: plus({ n: source() }) }) };
  });

const fresh = "inputs, parameters and code are unchanged";

describe("plan", () => {
  it.effect("runs nothing, and says that nothing has run before", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* lines(chain()), [
        "source stale: it has not run before",
        "add stale: it has not run before",
        "last stale: it has not run before",
      ]);
      assert.deepStrictEqual(yield* (yield* Store).runs(10), []);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("says what is fresh, and from which run", () =>
    Effect.gen(function* () {
      const { run } = yield* observe(chain());
      yield* observe(chain());
      const { stages } = yield* planOf(chain());
      assert.deepStrictEqual(
        stages.map(({ state, from }) => `${state} ${from}`),
        [`fresh ${run.id}`, `fresh ${run.id}`, `fresh ${run.id}`],
      );
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("names the parameter that changed, however deep, and what depends on it", () =>
    Effect.gen(function* () {
      yield* observe(chain({ deep: { tree: { depth: 3 } } }));
      assert.deepStrictEqual(yield* lines(chain({ deep: { tree: { depth: 4 } } })), [
        `source fresh: ${fresh}`,
        "add stale: parameter deep.tree.depth: 3 → 4",
        "last unknown: depends on add, which runs",
      ]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("names the file whose code changed", () =>
    Effect.gen(function* () {
      yield* observe(chain()).pipe(withCode());
      const changed = yield* lines(chain()).pipe(withCode({ source: "v2" }));
      assert.strictEqual(changed[0], "source stale: code of code changed");
      assert.strictEqual(changed[1], "add unknown: depends on source, which runs");
      assert.strictEqual(changed[2], "last unknown: depends on add, which may run");
    }).pipe(Effect.provide(engine)),
  );

  it.effect("names what a stage reads, and an environment variable", () =>
    Effect.gen(function* () {
      yield* observe(chain());
      assert.strictEqual(
        (yield* lines(chain({ reads: 1 })))[0],
        "source stale: what it reads: digest: 0 → 1",
      );
      process.env["ML_PIPE_TEST_DEPTH"] = "7";
      const changed = yield* lines(chain());
      delete process.env["ML_PIPE_TEST_DEPTH"];
      assert.match(
        changed[1] ?? "",
        /^add stale: environment variable ML_PIPE_TEST_DEPTH.*changed$/,
      );
      assert.notInclude(changed[1], "7");
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("says that code is not known, that all is forced, and what cannot be told", () =>
    Effect.gen(function* () {
      yield* observe(chain());
      const unknown = Effect.provideService(CodeOf, () =>
        Effect.succeed({ _tag: "Unknown", reason: "it calls eval" } as const),
      );
      const reasons = (yield* lines(chain()).pipe(unknown)).join();
      assert.match(reasons, /source stale: not cached: it calls eval/);
      const { stages } = yield* planOf(chain(), true);
      assert.deepStrictEqual(
        stages.map(({ reason }) => reason),
        ["forced", "forced", "forced"],
      );
      const unreadable = Pipeline.make("p", { charter }, () => ({
        out: Stage.make("source", {
          input: {},
          output: Schema.Int,
          fingerprint: Effect.fail(new Error("the disk is away")),
          run: () => Effect.succeed(1),
        })(),
      }));
      assert.deepStrictEqual(yield* lines(unreadable), [
        "source stale: cannot tell: the disk is away",
      ]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("follows the branch that was taken", () =>
    Effect.gen(function* () {
      const branching = (limit: number) =>
        Pipeline.make("p", { charter }, () => {
          const make = (name: string, value: number) =>
            Stage.make(name, {
              input: {},
              output: Schema.Int,
              params: { value },
              run: () => Effect.succeed(value),
            })();
          const decide = Stage.make("decide", {
            input: { n: Schema.Int },
            output: Schema.Boolean,
            params: { limit },
            run: ({ n }) => Effect.succeed(n > limit),
          });
          return {
            out: Stage.when("which", {
              if: decide({ n: make("one", 1) }),
              yes: () => make("yes", 2),
              no: () => make("no", 3),
            }),
          };
        });
      yield* observe(branching(0));
      assert.deepStrictEqual(yield* lines(branching(0)), [
        `one fresh: ${fresh}`,
        `decide fresh: ${fresh}`,
        `yes fresh: ${fresh}`,
        "no skipped: on a branch that is not taken",
        "which fresh: its branch is fresh",
      ]);
      assert.deepStrictEqual(yield* lines(branching(5)), [
        `one fresh: ${fresh}`,
        "decide stale: parameter limit: 0 → 5",
        'yes unknown: depends on the choice of "which"',
        'no unknown: depends on the choice of "which"',
        "which unknown: depends on a stage that runs",
      ]);
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("is what a run then does", () =>
    Effect.gen(function* () {
      const small = fc.integer({ min: 0, max: 1 });
      const changes = fc.record({ value: small, add: small, reads: small });
      const samples = fc.sample(changes, { numRuns: 12, seed: 7 });
      for (const given of samples) {
        const { stages } = yield* planOf(chain(given));
        const { run } = yield* observe(chain(given));
        for (const [index, { state, stage }] of stages.entries()) {
          const status = run.stages[index]?.status;
          if (state === "fresh") assert.strictEqual(status, "cached", stage);
          if (state === "stale") assert.strictEqual(status, "succeeded", stage);
        }
      }
    }).pipe(withCode(), Effect.provide(engine)),
  );

  it.effect("of going on with a run: what acted on the outside world does not act again", () =>
    Effect.gen(function* () {
      const act = Stage.make("act", {
        input: {},
        output: Schema.Int,
        cache: "never",
        run: () => Effect.succeed(1),
      });
      const after = Stage.make("after", {
        input: { n: Schema.Int },
        output: Schema.Int,
        run: () => Effect.fail(new Error("no")),
      });
      const pipeline = Pipeline.make("p", { charter }, () => ({ out: after({ n: act() }) }));
      const { run } = yield* observe(pipeline);
      const states = Effect.fnUntraced(function* (resume?: string) {
        const options = resume === undefined ? {} : { resume };
        const { stages } = yield* Engine.use((engine) => engine.plan(pipeline, options));
        return stages.map(({ stage, state }) => `${stage} ${state}`);
      });
      assert.deepStrictEqual(yield* states(), ["act stale", "after stale"]);
      assert.deepStrictEqual(yield* states(run.id), ["act fresh", "after stale"]);
    }).pipe(withCode(), Effect.provide(engine)),
  );
});

describe("an artifact that is damaged", () => {
  const storing = () =>
    Pipeline.make("p", { charter }, () => {
      const write = Stage.make("write", {
        input: {},
        output: Artifact,
        run: () => ArtifactStore.use((store) => store.putJson({ rows: "x".repeat(1000) })),
      });
      const read = Stage.make("read", {
        input: { file: Artifact },
        output: Schema.Int,
        run: ({ file }) => Effect.succeed(file.bytes),
      });
      return { out: read({ file: write() }) };
    });

  const damages = {
    deleted: (file: string) => fs.rmSync(file),
    "cut short": (file: string) => fs.truncateSync(file, 10),
    "changed in one bit": (file: string) => {
      const bytes = fs.readFileSync(file);
      bytes.writeUInt8((bytes[500] ?? 0) ^ 1, 500);
      fs.writeFileSync(file, bytes);
    },
  };
  for (const [how, damage] of Object.entries(damages)) {
    it.effect(`because it was ${how}, is made again, and nothing else is`, () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder;
        const inFolder = Effect.provide(engineIn(folder));
        yield* observe(storing()).pipe(inFolder);
        const [name = ""] = filesBelow(path.join(folder, "artifacts"));
        const file = path.join(folder, "artifacts", name);
        const intact = fs.readFileSync(file);
        damage(file);
        const { stages } = yield* Engine.use((engine) => engine.plan(storing())).pipe(inFolder);
        assert.match(stages[0]?.reason ?? "", /artifact sha256-\S+ (is not there|does not match)/);
        const { statuses } = yield* observe(storing()).pipe(inFolder);
        assert.deepStrictEqual(statuses, ["write succeeded", "read cached"]);
        assert.deepStrictEqual(fs.readFileSync(file), intact);
      }).pipe(withCode()),
    );
  }
});

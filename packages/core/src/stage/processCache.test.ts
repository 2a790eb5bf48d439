import * as fs from "node:fs";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import { assert, describe, it } from "@effect/vitest";
import * as Config from "effect/Config";
import * as ConfigProvider from "effect/ConfigProvider";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { charter } from "../internal/charter.fixture.ts";
import { engineIn, observe, stageOf, withCode } from "../internal/engine.fixture.ts";
import { filesBelow, temporaryFolder } from "../internal/folder.fixture.ts";
import * as Pipeline from "../Pipeline.ts";
import * as Stage from "../Stage.ts";

/** A pipeline of one process, whose script, lock file and program can be changed. */
const project = Effect.gen(function* () {
  const folder = yield* temporaryFolder;
  const at = (name: string) => path.join(folder, name);
  const write = (name: string, text: string) => fs.writeFileSync(at(name), text, { mode: 0o755 });
  write("run", `#!/bin/sh\nexec "${process.execPath}" "$@"\n`);
  write("train.cjs", 'require("node:fs").writeFileSync(process.env.ML_PIPE_OUTPUT, "1")');
  write("requirements.lock", "numpy 1");
  write("unrelated", "1");
  const env = { HUB_TOKEN: "hub-token-one" };
  const stage = (word = "--fast") =>
    Stage.process("train", {
      command: [at("run"), pathToFileURL(at("train.cjs")), word],
      reads: [at("requirements.lock")],
      input: {},
      output: Schema.Int,
      environment: ["ML_TEST_THREADS"],
      secrets: { HUB_TOKEN: Config.Redacted("HUB_TOKEN") },
    });
  const layer = engineIn(at("state"));
  const run = (word?: string) => {
    const pipeline = Pipeline.make("p", { charter }, () => ({ out: stage(word)() }));
    return observe(pipeline).pipe(
      withCode(),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })),
      Effect.provide(layer),
      Effect.map(({ run }) => stageOf(run, "train")),
    );
  };
  return { at, write, run, env, state: at("state") };
});

describe("a process is run again", () => {
  it.effect("if its program, script, lock file, words or variables change", () =>
    Effect.gen(function* () {
      const { write, run, at } = yield* project;
      const next = Effect.fnUntraced(function* (word?: string) {
        const { status, cacheNote } = yield* run(word);
        const again = yield* run(word);
        assert.strictEqual(again.status, "cached");
        return `${status}: ${cacheNote}`;
      });
      assert.match(yield* next(), /^succeeded: it has not run before/);
      fs.appendFileSync(at("train.cjs"), "\n");
      assert.match(yield* next(), /^succeeded: .*train\.cjs.* changed/);
      write("requirements.lock", "numpy 2");
      assert.match(yield* next(), /^succeeded: .*requirements\.lock.* changed/);
      fs.appendFileSync(at("run"), "\n");
      assert.match(yield* next(), /^succeeded: .*program changed/);
      assert.match(yield* next("--slow"), /^succeeded: .*--slow/);
      process.env["ML_TEST_THREADS"] = "2";
      assert.match(yield* next("--slow"), /^succeeded: .*ML_TEST_THREADS/);
    }),
  );

  it.effect("but not for a new secret, or a file that it does not read", () =>
    Effect.gen(function* () {
      const { write, run, env } = yield* project;
      assert.strictEqual((yield* run()).status, "succeeded");
      env.HUB_TOKEN = "hub-token-two";
      write("unrelated", "2");
      assert.strictEqual((yield* run()).status, "cached");
    }),
  );

  it.effect("and says what is missing", () =>
    Effect.gen(function* () {
      const { run, at } = yield* project;
      fs.rmSync(at("requirements.lock"));
      const { status, failure } = yield* run();
      assert.strictEqual(status, "failed");
      assert.match(
        failure?.message ?? "",
        /file that it reads ".*requirements\.lock" is not there/,
      );
    }),
  );
});

describe("what is kept of a run", () => {
  it.effect("holds no secret, also if the process prints it and fails", () =>
    Effect.gen(function* () {
      const { run, write, state, env } = yield* project;
      write("train.cjs", "console.error(process.env.HUB_TOKEN); process.exitCode = 1");
      const { failure } = yield* run();
      assert.match(failure?.message ?? "", /<redacted>/);
      const files = filesBelow(state);
      assert.include(files, "ml-pipe.sqlite");
      for (const file of files) {
        assert.isFalse(fs.readFileSync(path.join(state, file)).includes(env.HUB_TOKEN), file);
      }
    }),
  );
});

import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as ConfigProvider from "effect/ConfigProvider";
import * as Config from "effect/Config";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Artifact, ArtifactStore } from "../Artifact.ts";
import { temporaryFolder } from "../internal/folder.fixture.ts";
import * as Stage from "../Stage.ts";
import { script, watched } from "./process.fixture.ts";

const double = (code: string) =>
  Stage.process("double", {
    command: script(code),
    input: { n: Schema.Int },
    output: Schema.Int,
  });

describe("the contract of a process", () => {
  it.effect("gives inputs and parameters, and takes the output", () =>
    Effect.gen(function* () {
      const { use, leftOver } = yield* watched();
      const stage = Stage.process("scale", {
        command: script("answer({ at: input.at, scaled: input.n * params.by })"),
        input: { n: Schema.Int, at: Schema.DateFromString },
        outputs: { at: Schema.DateFromString, scaled: Schema.Int },
        params: { by: 3 },
      });
      const at = new Date("2026-01-01T00:00:00Z");
      assert.deepStrictEqual(yield* use(stage.run({ n: 14, at })), { at, scaled: 42 });
      assert.deepStrictEqual(leftOver(), []);
    }),
  );

  it.effect("takes arguments as they are, and more from the inputs", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      const [node, ...args] = script("answer(process.argv.slice(1))");
      const words = ["$HOME", "a b", "; exit 1", "'", ""];
      const stage = Stage.process("echo", {
        command: [node, ...args, "--", ...words],
        args: ({ name }) => [`--name=${name}`],
        input: { name: Schema.String },
        output: Schema.Array(Schema.String),
      });
      assert.deepStrictEqual(yield* use(stage.run({ name: "`x`" })), [...words, "--name=`x`"]);
    }),
  );

  it.effect("names each field that does not fit, missing and unknown outputs", () =>
    Effect.gen(function* () {
      const { use, leftOver } = yield* watched();
      const stage = Stage.process("judge", {
        command: script('answer({ auc: "high", rows: { train: 1.5 }, extra: 1 })'),
        input: {},
        outputs: {
          auc: Schema.Finite,
          rows: Schema.Struct({ train: Schema.Int, test: Schema.Int }),
          model: Schema.String,
        },
      });
      const error = yield* Effect.flip(use(stage.run({})));
      assert.instanceOf(error, Stage.ProcessOutputInvalid);
      assert.strictEqual(error.stage, "judge");
      const said = error.problems.map(({ output, problem }) => `${output}: ${problem}`).join("\n");
      assert.match(said, /^auc: Expected [^]*"high"/);
      assert.match(said, /^rows: [^]*\["train"\][^]*\["test"\]/m);
      assert.include(said, "model: it is missing");
      assert.include(said, "extra: the stage has no such output");
      assert.deepStrictEqual(leftOver(), []);
    }),
  );

  const bad: ReadonlyArray<readonly [what: string, code: string, problem: RegExp]> = [
    ["no output", "", /wrote no file to ML_PIPE_OUTPUT/],
    ["half an output", "fs.writeFileSync(process.env.ML_PIPE_OUTPUT, '{')", /it is not JSON/],
    ["another type", 'answer("84")', /Expected number, got "84"/],
    [
      "a huge output",
      "fs.writeFileSync(process.env.ML_PIPE_OUTPUT, ' '.repeat(65 * 2 ** 20))",
      /hand them over as an artifact/,
    ],
  ];
  for (const [what, code, problem] of bad) {
    it.effect(`is broken by ${what}`, () =>
      Effect.gen(function* () {
        const { use } = yield* watched();
        const error = yield* Effect.flip(use(double(code).run({ n: 42 })));
        assert.strictEqual(error._tag, "ProcessOutputInvalid");
        assert.match(error.message, /stage "double"/);
        assert.match(error.message, problem);
      }),
    );
  }

  it.effect("refuses inputs before anything starts", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      const error = yield* Effect.flip(use(double("process.exit(9)").run({ n: 0.5 })));
      assert.strictEqual(error._tag, "InputMismatch");
    }),
  );
});

describe("artifacts of a process", () => {
  const Model = Schema.Struct({ files: Schema.Array(Artifact), epochs: Schema.Int });
  const stage = (code: string) =>
    Stage.process("train", { command: script(code), input: { table: Artifact }, output: Model });

  it.effect("are given as files and taken into the store, one file once", () =>
    Effect.gen(function* () {
      const { use, leftOver } = yield* watched();
      const code = `
        const table = fs.readFileSync(input.table.path, "utf8");
        fs.mkdirSync(file("deep"));
        fs.writeFileSync(file("deep/model.onnx"), "model of " + table);
        const model = { artifact: "deep/model.onnx", mediaType: "application/onnx" };
        answer({ files: [model, model, input.table], epochs: 3 })`;
      const program = Effect.gen(function* () {
        const store = yield* ArtifactStore;
        const table = yield* store.putJson([1, 2]);
        const made = yield* stage(code).run({ table });
        const [model, again, echoed] = made.files;
        assert.isDefined(model);
        assert.deepStrictEqual(again, model);
        assert.deepStrictEqual(echoed, table);
        assert.strictEqual(model.mediaType, "application/onnx");
        yield* store.verify(model);
        return fs.readFileSync(yield* store.path(model), "utf8");
      });
      assert.strictEqual(yield* use(program), "model of [1,2]");
      assert.deepStrictEqual(leftOver(), []);
    }),
  );

  const bad: ReadonlyArray<readonly [what: string, code: string]> = [
    ["a file that is not there", 'const name = "model.onnx"'],
    ["a file elsewhere", 'const name = "../input.json"'],
    ["an absolute path", "const name = process.env.ML_PIPE_INPUT"],
    [
      "a link that leads out",
      'const name = "l"; fs.symlinkSync(process.env.ML_PIPE_INPUT, file(name))',
    ],
    ["a folder", 'const name = "f"; fs.mkdirSync(file(name))'],
  ];
  for (const [what, code] of bad) {
    it.effect(`are not ${what}`, () =>
      Effect.gen(function* () {
        const { use } = yield* watched();
        const answer = `answer({ files: [{ artifact: name, mediaType: "a/b" }], epochs: 1 })`;
        const program = Effect.flatMap(ArtifactStore, (store) =>
          Effect.flatMap(store.putJson(1), (table) => stage(`${code}; ${answer}`).run({ table })),
        );
        const error = yield* Effect.flip(use(program));
        assert.strictEqual(error._tag, "ProcessOutputInvalid");
        assert.match(error.message, /is no file in the folder ML_PIPE_ARTIFACTS/);
      }),
    );
  }

  it.effect("must exist, on both sides", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      const nowhere: Artifact = {
        digest: `sha256-${"0".repeat(64)}`,
        bytes: 1,
        mediaType: "a/b",
      };
      const given = yield* Effect.flip(use(stage("").run({ table: nowhere })));
      assert.strictEqual(given._tag, "ArtifactMissing");
      const program = Effect.flatMap(ArtifactStore, (store) =>
        Effect.flatMap(store.putJson(1), (table) =>
          stage(`answer({ files: [${JSON.stringify(nowhere)}], epochs: 1 })`).run({ table }),
        ),
      );
      const taken = yield* Effect.flip(use(program));
      assert.match(taken.message, /which is no artifact there is/);
    }),
  );
});

describe("the environment of a process", () => {
  it.effect("is what it needs, what is declared, and nothing else", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      process.env["ML_TEST_DECLARED"] = "seen";
      process.env["ML_TEST_OTHER"] = "unseen";
      const stage = Stage.process("env", {
        command: script("answer({ env: process.env, cwd: fs.readdirSync('.') })"),
        input: {},
        outputs: {
          env: Schema.Record(Schema.String, Schema.String),
          cwd: Schema.Array(Schema.String),
        },
        environment: ["ML_TEST_DECLARED", "ML_TEST_ABSENT"],
      });
      const { env, cwd } = yield* use(stage.run({}));
      // A shell adds these of its own.
      const own = ["_", "PWD", "OLDPWD", "SHLVL"];
      const possible = new Set(["PATH", "HOME", "LANG", "TMPDIR", "ML_TEST_DECLARED", ...own]);
      const more = Object.keys(env).filter((name) => !possible.has(name));
      assert.deepStrictEqual(more.toSorted(), [
        "ML_PIPE_ARTIFACTS",
        "ML_PIPE_INPUT",
        "ML_PIPE_OUTPUT",
        "ML_PIPE_PARAMS",
      ]);
      assert.strictEqual(env["ML_TEST_DECLARED"], "seen");
      assert.strictEqual(env["PATH"], process.env["PATH"]);
      assert.deepStrictEqual(cwd, []);
    }),
  );

  it.effect("has the folder that was asked for", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      const folder = fs.realpathSync(yield* temporaryFolder);
      const where = (cwd: string) =>
        Stage.process("where", {
          command: script("answer(process.cwd())"),
          input: {},
          output: Schema.String,
          cwd,
        });
      assert.strictEqual(yield* use(where(folder).run({})), folder);
      const absent = yield* Effect.flip(use(where(path.join(folder, "absent")).run({})));
      assert.strictEqual(absent._tag, "ProcessNotFound");
      assert.match(absent.message, /working folder .*absent/);
    }),
  );

  it("refuses names that cannot be, are taken, or are both public and secret", () => {
    const stage = (environment: ReadonlyArray<string>) => () =>
      Stage.process("x", {
        command: ["true"],
        input: {},
        output: Schema.Null,
        environment,
        secrets: { TOKEN: Config.Redacted("TOKEN") },
      });
    assert.throws(stage(["A=B"]), /"A=B" is no name/);
    assert.throws(stage(["ML_PIPE_INPUT"]), /a name of ml-pipe's own/);
    assert.throws(stage(["TOKEN"]), /is a secret and part of the cache key/);
    assert.doesNotThrow(stage(["OTHER"]));
  });
});

describe("what a process prints", () => {
  it.effect("is logged line by line, with stage and stream", () =>
    Effect.gen(function* () {
      const { use, logged } = yield* watched();
      const code = `process.stdout.write("one\\ntwo\\r\\n\\nthr"); process.stdout.write("ee");
        process.stderr.write("10%\\r20%\\r\\u001b[31mred\\u001b[0m\\n"); answer(1)`;
      yield* use(double(code).run({ n: 1 }));
      const of = (stream: string) => logged.filter((line) => line.stream === stream);
      assert.deepStrictEqual(
        of("stdout").map(({ text }) => text),
        ["one", "two", "three"],
      );
      assert.deepStrictEqual(
        of("stderr").map(({ text }) => text),
        ["10%", "20%", "red"],
      );
      assert.isTrue(logged.every(({ stage, level }) => stage === "double" && level === "Info"));
    }),
  );

  it.effect("is progress and findings where it says so", () =>
    Effect.gen(function* () {
      const { use, logged, told } = yield* watched();
      const finding = {
        check: "loss",
        severity: "warn",
        expected: "falls",
        found: "rises",
        next: "look",
      };
      const code = `
        console.log('::ml-pipe progress {"label":"epoch 1","share":0.5}');
        console.log('::ml-pipe finding ' + ${JSON.stringify(JSON.stringify(finding))});
        console.log('::ml-pipe progress {"label":"epoch 1","share":1.5}');
        console.log('::ml-pipe hello');
        console.error('::ml-pipe progress {"label":"on stderr"}');
        answer(1)`;
      yield* use(double(code).run({ n: 1 }));
      assert.deepStrictEqual(told, [
        { _tag: "Progress", progress: { label: "epoch 1", share: 0.5 } },
        { _tag: "Finding", finding },
      ] as ReadonlyArray<unknown>);
      const warnings = logged.filter(({ level }) => level === "Warn");
      assert.strictEqual(warnings.length, 2);
      assert.match(warnings[0]?.text ?? "", /share/);
      assert.match(warnings[1]?.text ?? "", /neither progress nor finding/);
      const plain = logged.filter(({ level }) => level === "Info").map(({ text }) => text);
      assert.include(plain, "::ml-pipe hello");
      assert.include(plain, '::ml-pipe progress {"label":"on stderr"}');
    }),
  );

  it.effect("takes bounded memory, also 100 MB without a line's end", () =>
    Effect.gen(function* () {
      let longest = 0;
      let lines = 0;
      let peakBytes = 0;
      const { use } = yield* watched(({ text }) => {
        lines++;
        longest = Math.max(longest, text.length);
        peakBytes = Math.max(peakBytes, process.memoryUsage().rss);
      });
      const code = `
        const long = Buffer.alloc(1 << 20, "x"), many = Buffer.alloc(1 << 20, "y".repeat(1023) + "\\n");
        const write = (b) => { for (let at = 0; at < b.length;) try { at += fs.writeSync(1, b, at) } catch (e) { if (e.code !== "EAGAIN") throw e } };
        for (let i = 0; i < 60; i++) write(long);
        write(Buffer.from("\\n"));
        for (let i = 0; i < 40; i++) write(many);
        answer(1)`;
      const beforeBytes = process.memoryUsage().rss;
      yield* use(double(code).run({ n: 1 }));
      assert.strictEqual(lines, 1 + 40 * 1024);
      assert.isBelow(longest, 17_000);
      assert.isBelow(peakBytes - beforeBytes, 200 * 2 ** 20);
    }),
  );
});

describe("secrets of a process", () => {
  const value = "s3cr3t/with+signs and\nlines of its own";
  const provider = ConfigProvider.fromEnv({ env: { HUB_TOKEN: value } });
  const secretive = (code: string) =>
    Stage.process("upload", {
      command: script(`const token = process.env.HUB_TOKEN; ${code}`),
      input: {},
      output: Schema.Unknown,
      secrets: { HUB_TOKEN: Config.Redacted("HUB_TOKEN") },
    });
  const run = Effect.fnUntraced(function* (code: string) {
    const { use, logged, told } = yield* watched();
    const exit = yield* Effect.result(
      use(secretive(code).run({})).pipe(
        Effect.provideService(ConfigProvider.ConfigProvider, provider),
      ),
    );
    const error = exit._tag === "Failure" ? exit.failure : undefined;
    return {
      error,
      seen: [JSON.stringify({ logged, told, error }), String(error?.message)].join(),
    };
  });
  const parts = [value, "s3cr3t/with+signs and", "lines of its own"];
  const assertUnseen = (seen: string) => {
    for (const part of parts) assert.notInclude(seen, part);
  };

  it.effect("reach it, and no log, error, finding or progress", () =>
    Effect.gen(function* () {
      const spread = `
        console.log("token=" + token, JSON.stringify({ token }), encodeURIComponent(token), Buffer.from(token).toString("base64"));
        console.log('::ml-pipe progress ' + JSON.stringify({ label: token }));
        console.log('::ml-pipe finding ' + JSON.stringify({ check: token, severity: "warn", expected: token, found: token, next: token }));
        console.log('::ml-pipe ' + token);
        console.log("x".repeat(16370) + token + "x".repeat(40));
        console.error(token);`;
      const good = yield* run(`${spread} answer(token.length)`);
      assert.isUndefined(good.error);
      assertUnseen(good.seen);
      assert.include(good.seen, "<redacted>");
      const bad = yield* run(`${spread} throw new Error(token)`);
      assert.strictEqual(bad.error?._tag, "ProcessFailed");
      assertUnseen(bad.seen);
      for (const coded of [encodeURIComponent(value), Buffer.from(value).toString("base64")]) {
        assert.notInclude(good.seen, coded);
      }
    }),
  );

  it.effect("are refused in outputs and artifacts", () =>
    Effect.gen(function* () {
      const output = yield* run("answer({ deep: ['my ' + token] })");
      assert.strictEqual(output.error?._tag, "ProcessOutputInvalid");
      assert.match(output.error?.message ?? "", /holds the value of the secret HUB_TOKEN/);
      assertUnseen(output.seen);
      // Across two reads of a mebibyte.
      const artifact = yield* run(`
        fs.writeFileSync(file("m"), Buffer.concat([Buffer.alloc(2 ** 20 - 5), Buffer.from(token)]));
        answer({ artifact: "m", mediaType: "a/b" })`);
      assert.match(artifact.error?.message ?? "", /artifact "m" holds the value of the secret/);
      const clean = yield* run(`
        fs.writeFileSync(file("m"), Buffer.alloc(2 ** 21));
        answer({ artifact: "m", mediaType: "a/b" })`);
      assert.isUndefined(clean.error);
    }),
  );

  it.effect("are needed", () =>
    Effect.gen(function* () {
      const { use } = yield* watched();
      const error = yield* Effect.flip(
        use(secretive("answer(1)").run({})).pipe(
          Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: {} })),
        ),
      );
      assert.strictEqual(error._tag, "ConfigError");
      assert.match(error.message, /HUB_TOKEN/);
    }),
  );
});

const python = spawnSync("python3", ["--version"]).status === 0;

describe("a program that is not ours", () => {
  it.effect.skipIf(!python)("is a Python script beside the pipeline", () =>
    Effect.gen(function* () {
      const { use, told } = yield* watched();
      const folder = yield* temporaryFolder;
      const file = path.join(folder, "train.py");
      fs.writeFileSync(
        file,
        `import json, os, pathlib
given = json.load(open(os.environ["ML_PIPE_INPUT"]))
print('::ml-pipe progress {"label": "fitted"}', flush=True)
pathlib.Path(os.environ["ML_PIPE_ARTIFACTS"], "model.json").write_text(json.dumps(sum(given["xs"])))
json.dump({"model": {"artifact": "model.json", "mediaType": "application/json"}, "n": len(given["xs"])},
          open(os.environ["ML_PIPE_OUTPUT"], "w"))
`,
      );
      const stage = Stage.process("fit", {
        command: ["python3", new URL(`file://${file}`)],
        input: { xs: Schema.Array(Schema.Finite) },
        outputs: { model: Artifact, n: Schema.Int },
      });
      const sum = Effect.gen(function* () {
        const { model, n } = yield* stage.run({ xs: [1, 2, 4] });
        return [n, yield* (yield* ArtifactStore).readJson(model)];
      });
      assert.deepStrictEqual(yield* use(sum), [3, 7]);
      assert.deepStrictEqual(told, [{ _tag: "Progress", progress: { label: "fitted" } }]);
    }),
  );
});

/** Which stages run again after which change, by the built `ml-pipe` on a project of its own. */
import * as fs from "node:fs";
import { join } from "node:path";
import { Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { afterAll, assert, beforeAll, describe, it } from "vitest";
import { clean, root } from "../support/repository.ts";
import { mlPipe, remove } from "./support.ts";

const cwd = clean("cli-caching");
afterAll(() => remove(cwd));

const write = (name: string, text: string) => {
  fs.mkdirSync(join(cwd, name, ".."), { recursive: true });
  fs.writeFileSync(join(cwd, name), text);
};

/** Replaces a passage of a file, which must be there. */
const edit = (name: string, from: string, to: string) => {
  const text = fs.readFileSync(join(cwd, name), "utf8");
  assert.include(text, from);
  write(
    name,
    text.replace(from, () => to),
  );
};

const install = (version: string) => {
  write(
    "node_modules/fake-units/package.json",
    `{ "name": "fake-units", "version": "${version}", "type": "module", "exports": "./index.js" }`,
  );
  write("node_modules/fake-units/index.js", "export const perInch = 2.54;\n");
};

const decode = Schema.decodeUnknownSync(
  Schema.fromJsonString(
    Schema.Struct({ _tag: Schema.String, stage: Schema.optionalKey(Schema.Unknown) }),
  ),
);
const decodeStage = Schema.decodeUnknownSync(Run.StageRun);

/** Runs the pipeline: which stages were executed, and why, by name. */
const run = async (env: NodeJS.ProcessEnv = {}) => {
  const { code, out, err } = await mlPipe(["run", "pipeline.ts", "--json", "--no-types"], {
    cwd,
    env,
  });
  assert.strictEqual(code, 0, `${out}${err}`);
  const ended = out
    .trim()
    .split("\n")
    .map((line) => decode(line))
    .filter(({ _tag }) => _tag === "StageEnded")
    .map(({ stage }) => decodeStage(stage));
  assert.lengthOf(ended, 9);
  return Object.fromEntries(
    ended
      .filter(({ status }) => status === "succeeded")
      .map(({ stage, cacheNote }) => [stage, cacheNote] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
};

const input = "1 2 3\n";

beforeAll(async () => {
  fs.cpSync(join(root, "test/cli/fixtures/caching"), cwd, { recursive: true });
  write("package.json", '{ "name": "caching", "type": "module" }');
  write("numbers.txt", input);
  install("1.0.0");
  assert.lengthOf(Object.keys(await run()), 9);
});

describe("a second run", () => {
  it("executes nothing", async () => {
    assert.deepStrictEqual(await run(), {});
  });

  it("executes nothing after a change of comments and formatting", async () => {
    for (const name of ["pipeline.ts", "numbers.ts", "deep/times.ts", "contracts.ts"]) {
      const text = fs.readFileSync(join(cwd, name), "utf8");
      write(name, `// a comment\n${text.replaceAll("  ", "    ").replaceAll(" =>", " /**/ =>")}`);
    }
    assert.deepStrictEqual(await run(), {});
  });

  it("executes nothing in another folder", async () => {
    const elsewhere = `${cwd}-moved`;
    fs.cpSync(cwd, elsewhere, { recursive: true });
    fs.writeFileSync(join(elsewhere, "numbers.txt"), input);
    const { out, err } = await mlPipe(["run", "pipeline.ts", "--no-types"], { cwd: elsewhere });
    remove(elsewhere);
    assert.lengthOf(out.match(/^= .* cached/gm) ?? [], 9, `${out}${err}`);
  });
});

describe("what is executed again", () => {
  it("the stage that uses a changed helper two imports away, and what gets another input", async () => {
    edit("deep/times.ts", "a * b", "b * a + 0");
    // Its output is the same: nothing else is executed.
    assert.deepStrictEqual(await run(), { double: "code of deep/times.ts changed" });
    edit("deep/times.ts", "b * a + 0", "10 * a * b");
    assert.deepStrictEqual(await run(), {
      double: "code of deep/times.ts changed",
      keep: "input total changed",
      show: "input kept changed",
      sum: "input numbers changed",
    });
  });

  it("the stage whose function, which a factory was given, has changed", async () => {
    edit("pipeline.ts", "=> double(number)", "=> double(number + 0)");
    assert.deepStrictEqual(await run(), { double: "code of pipeline.ts changed" });
  });

  it("what an earlier run has done is not done again", async () => {
    edit("pipeline.ts", "=> double(number + 0)", "=> double(number)");
    assert.deepStrictEqual(await run(), {});
  });

  it("the stage with a changed parameter", async () => {
    edit("pipeline.ts", "{ atMost: 1000 }", "{ atMost: 900 }");
    const { sum = "", ...others } = await run();
    assert.deepStrictEqual(others, {});
    assert.include(sum, "parameter atMost: 1000 → 900");
  });

  it("stages on both sides of a changed contract", async () => {
    edit("contracts.ts", "count: Schema.Finite", "count: Schema.Int");
    const executed = await run();
    assert.deepStrictEqual(Object.keys(executed), ["keep", "sum"]);
    assert.match(executed["sum"] ?? "", /contract/);
    assert.match(executed["keep"] ?? "", /contract/);
  });

  it("the stage with another value of a declared environment variable", async () => {
    const { name = "", ...others } = await run({ CACHING_NAME: "Ada" });
    assert.deepStrictEqual(others, {});
    assert.match(name, /^environment variable CACHING_NAME/);
    assert.deepStrictEqual(await run({ CACHING_OTHER: "Ada" }), {});
  });

  it("the stage that uses another version of a dependency", async () => {
    install("1.0.1");
    assert.deepStrictEqual(await run(), { convert: "code of fake-units changed" });
  });

  it("the stage whose source has other bytes, of the same size and with the same time", async () => {
    const source = join(cwd, "numbers.txt");
    const { atime, mtime, size } = fs.statSync(source);
    fs.writeFileSync(source, "1 2 4\n");
    fs.utimesSync(source, atime, mtime);
    const now = fs.statSync(source);
    assert.deepStrictEqual([now.size, now.mtimeMs], [size, mtime.getTime()]);
    const executed = await run();
    assert.deepStrictEqual(Object.keys(executed), ["double", "keep", "read", "show", "sum"]);
    assert.match(executed["read"] ?? "", /^what it reads:/);
  });

  it("the stage whose artifact is gone or damaged, alone", async () => {
    const folder = join(cwd, ".ml-pipe/artifacts");
    const files = () =>
      fs
        .readdirSync(folder, { recursive: true, encoding: "utf8" })
        .map((name) => join(folder, name))
        .filter((file) => fs.statSync(file).isFile());
    const kept = files();
    assert.isAtLeast(kept.length, 2);
    for (const file of kept) fs.rmSync(file, { force: true });
    assert.deepStrictEqual(Object.keys(await run()), ["keep"]);
    const [again = ""] = files();
    const text = fs.readFileSync(again, "utf8");
    fs.chmodSync(again, 0o644);
    fs.writeFileSync(
      again,
      text.replace(/\d/, (digit) => String(9 - Number(digit))),
    );
    assert.deepStrictEqual(Object.keys(await run()), ["keep"]);
    assert.deepStrictEqual(await run(), {});
  });

  it("a stage that is not deterministic, and nothing behind it if what it gives is the same", async () => {
    edit("pipeline.ts", "Math.random() - 0.5", "0.5 - Math.random()");
    assert.deepStrictEqual(await run(), { pick: "code of pipeline.ts changed" });
  });

  it("a stage whose code cannot be followed, each time, saying so", async () => {
    edit("pipeline.ts", 'import("node:fs/promises")', "import(String(`node:fs/promises`))");
    const note = /^not cached: pipeline\.ts loads a module by a computed name \(line \d+\)$/;
    for (const _ of [1, 2]) {
      const { read = "", ...others } = await run();
      assert.match(read, note);
      assert.deepStrictEqual(others, {});
    }
  });
});

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, assert, describe, it } from "vitest";
import { lineOf, mlPipe, remove, tiny, variant, workspace } from "./support.ts";

const cwd = workspace("bad-input");
afterAll(() => remove(cwd));

/** Every verb that reads a pipeline file must refuse it alike. */
const refused = async (file: string, ...args: ReadonlyArray<string>): Promise<string> => {
  const { code, out, err } = await mlPipe(["run", file, ...args], { cwd });
  assert.strictEqual(code, 2, `${out}${err}`);
  assert.strictEqual(out, "", "nothing ran");
  assert.notMatch(err, /^\s+at .+:\d+:\d+\)?$/m, "no stack trace");
  return err;
};

const written = (name: string, text: string): string => {
  writeFileSync(join(cwd, name), text);
  return name;
};

describe("a pipeline file", () => {
  it("that is missing", async () => {
    variant(cwd, "pipeline.ts");
    assert.include(
      await refused("pipline.ts"),
      "pipline.ts  PipelineFileMissing: there is no such file. Did you mean pipeline.ts?",
    );
    assert.include(
      await refused("nowhere/to/be/found.ts"),
      "there is no such file. Give the path of a pipeline file, or write a first one with: ml-pipe init",
    );
  });

  it("that is a folder", async () => {
    mkdirSync(join(cwd, "folder"), { recursive: true });
    writeFileSync(join(cwd, "folder/my-pipeline.ts"), "");
    assert.include(
      await refused("folder"),
      "folder  PipelineFileMissing: this is a folder, not a pipeline file. Did you mean folder/my-pipeline.ts?",
    );
  });

  it("that is not a program", async () => {
    assert.include(
      await refused(written("syntax.ts", "const ok = 1;\nexport default const 3;\n")),
      "syntax.ts:2:16  PipelineSyntax: Expression expected. Correct the syntax there.\n  2 │ export default const 3;\n    │                ^",
    );
  });

  it("with TypeScript that is more than types", async () => {
    const err = await refused(written("enum.ts", "enum Colour { red }\nexport default Colour;\n"));
    assert.include(err, "enum.ts:1:1  PipelineSyntax: TypeScript enum is not supported");
    assert.include(err, "must be written in plain JavaScript");
  });

  it("that throws", async () => {
    const file = variant(cwd, "throws.ts", [
      "const mode =",
      'if (slope([1]) !== 7) throw new RangeError("no such slope");\nconst mode =',
    ]);
    assert.include(
      await refused(file),
      `throws.ts:${lineOf(cwd, file, "no such slope")}:29  PipelineThrew: it threw RangeError while being read: no such slope. A pipeline file only describes its pipeline`,
    );
    const debugged = await mlPipe(["run", file, "--debug"], { cwd });
    assert.match(debugged.err, /^\s+at .+throws\.ts:\d+:29/m);
  });

  it("that imports what is not there", async () => {
    assert.include(
      await refused(written("package.ts", '\nimport x from "nope-pkg";\nexport default x;\n')),
      'package.ts:2  PipelineImportMissing: it imports the package "nope-pkg", which is not installed. Run: npm install nope-pkg',
    );
    assert.include(
      await refused(written("module.ts", 'import x from "./nope.ts";\nexport default x;\n')),
      "module.ts:1  PipelineImportMissing: it imports ./nope.ts, which does not exist.",
    );
    assert.include(
      await refused(written("export.ts", 'import { z } from "./slope.ts";\nexport default z;\n')),
      "export.ts:1:10  PipelineImportMissing: the module './slope.ts' does not provide an export named 'z'",
    );
  });

  it("without a default export", async () => {
    assert.include(
      await refused(written("nothing.ts", "export const a = 1;\n")),
      "nothing.ts  PipelineNotExported: it has no default export. End the file with: export default Pipeline.make(",
    );
    const file = variant(cwd, "named.ts", [
      "export default Pipeline",
      "export const named = Pipeline",
    ]);
    assert.include(
      await refused(file),
      'it has no default export. Its export "named" is a pipeline: write export default named',
    );
  });

  it("whose default export is something else", async () => {
    assert.include(
      await refused(written("object.ts", "\nexport default { a: 1 };\n")),
      "object.ts:2  PipelineNotExported: its default export is an object (with a), not a pipeline.",
    );
    const stage = variant(cwd, "stage.ts", [
      "export default Pipeline",
      "export default train;\nexport const named = Pipeline",
    ]);
    assert.include(
      await refused(stage, "--no-types"),
      "its default export is a stage, not a pipeline",
    );
  });
});

describe("a pipeline", () => {
  it("with a wrong wiring: the stage, ours in short, and TypeScript's words", async () => {
    const file = variant(cwd, "wiring.ts", ["numbers, verdict }", "numbers, verdict: judged }"]);
    const err = await refused(file);
    const line = lineOf(cwd, file, "verdict: judged });\n".trim());
    assert.match(err, /Type 'Node<Verdict<.+>' is not assignable to type 'Ref<Verdict<"passed">/);
    assert.match(err, /^wiring\.ts:\d+:40 {2}stage "monitor" {2}TS2322: its input "verdict"/m);
    assert.include(
      err,
      'its input "verdict" takes Verdict<passed>, but gets Verdict from "evaluate". Wire an output of the expected kind to it',
    );
    assert.isAbove(line, 0);
    assert.include(err, "wiring.ts is not valid: 1 problem");
    // Without types, the graph itself still refuses.
    assert.match(
      await refused(file, "--no-types"),
      /^wiring\.ts:\d+ {2}stage "monitor" {2}PipelineInvalid: its input "verdict" takes Verdict<passed>/m,
    );
  });

  it("with a type error inside a stage", async () => {
    const file = variant(cwd, "inside.ts", ["slope(numbers)", 'slope("numbers")']);
    assert.include(
      await refused(file),
      `inside.ts:${lineOf(cwd, file, 'slope("numbers")')}:27  stage "train"  TS2345: Argument of type 'string' is not assignable to parameter of type 'readonly number[]'.`,
    );
  });

  it("with several type errors, all of them", async () => {
    const file = variant(
      cwd,
      "several.ts",
      ["slope(numbers)", 'slope("numbers")'],
      ["smallestGain: 0.1", 'smallestGain: "much"'],
    );
    const err = await refused(file);
    assert.match(err, /several\.ts:\d+:\d+ {2}charter {2}TS2322/);
    assert.match(err, /several\.ts:\d+:\d+ {2}stage "train" {2}TS2345/);
    assert.include(err, "several.ts is not valid: ");
  });

  it("that needs a service which nobody provides", async () => {
    const file = variant(
      cwd,
      "service.ts",
      ["import * as Effect", 'import * as Context from "effect/Context";\nimport * as Effect'],
      [
        "const draw =",
        'class Payments extends Context.Service<Payments, { readonly pay: Effect.Effect<void> }>()("test/Payments") {}\n\nconst draw =',
      ],
      ["yield* Effect.sleep(slowMs);", "yield* Effect.sleep(slowMs);\n    yield* Payments;"],
    );
    assert.include(
      await refused(file),
      'MissingService: the pipeline needs the service "Payments", which is not provided by the local engine. Provide it where a stage uses it: Effect.provide(Payments.layer)',
    );
  });

  it("that calls a stage twice", async () => {
    const file = variant(cwd, "twice.ts", [
      "inspect({ numbers: drawn })",
      "inspect({ numbers: inspect({ numbers: drawn }) })",
    ]);
    assert.match(
      await refused(file),
      /^twice\.ts:\d+ {2}stage "inspect" {2}PipelineInvalid: it is called twice\. Give the second one its own name: Stage\.named\("inspect-2", inspect\)/m,
    );
  });

  it("is refused by check with the problems as data", async () => {
    const file = variant(cwd, "json.ts", ["slope(numbers)", 'slope("numbers")']);
    const { code, out } = await mlPipe(["check", file, "--json"], { cwd });
    assert.strictEqual(code, 2);
    const parsed: unknown = JSON.parse(out);
    assert.deepInclude(parsed, { valid: false, file });
    assert.include(out, '"stage": "train"');
    assert.include(out, '"tag": "TS2345"');
  });
});

describe("a state folder", () => {
  const failing = async (state: string, ...args: ReadonlyArray<string>) => {
    const { code, out, err } = await mlPipe(["run", tiny, "--state", state, ...args], { cwd });
    assert.strictEqual(code, 1, `${out}${err}`);
    return err;
  };

  it("that cannot be made", async () => {
    writeFileSync(join(cwd, "a-file"), "");
    assert.include(
      await failing("a-file/state"),
      `ArtifactStoreError: cannot write to the state folder ${join(cwd, "a-file/state")} (ENOTDIR). Part of the path is a file, not a folder: choose another folder with --state.`,
    );
    if (process.platform === "linux") {
      assert.include(
        await failing("/proc/ml-pipe"),
        "cannot write to the state folder /proc/ml-pipe (ENOENT)",
      );
    }
  });

  it("on a full disk: says so, and the next run works", async (context) => {
    const disk = join(cwd, "disk");
    mkdirSync(disk, { recursive: true });
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], { stdio: "ignore" });
    } catch {
      context.skip("only root can mount a small disk");
    }
    try {
      const filler = join(disk, "filler");
      writeFileSync(filler, Buffer.alloc(180_000));
      const err = await failing("disk/state");
      assert.match(err, /(disk is full|ENOSPC)/);
      assert.match(err, /free some space|the disk is not full/);
      remove(filler);
      execFileSync("mount", ["-o", "remount,size=16m", disk]);
      const { code, out } = await mlPipe(["run", tiny, "--state", "disk/state"], { cwd });
      assert.strictEqual(code, 0, out);
      const left = existsSync(join(disk, "state/tmp")) ? readdirSync(join(disk, "state/tmp")) : [];
      assert.deepStrictEqual(left, [], "no half-written files");
    } finally {
      execFileSync("umount", [disk]);
    }
  });
});

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import * as Schema from "effect/Schema";
import { afterAll, assert, beforeAll, describe, it } from "vitest";
import { root } from "../support/repository.ts";
import { mlPipe, remove, variant, workspace } from "./support.ts";

const Coverage = Schema.fromJsonString(
  Schema.Struct({ result: Schema.Array(Schema.Struct({ url: Schema.String })) }),
);

const cwd = workspace("startup");
afterAll(() => remove(cwd));
beforeAll(async () => {
  assert.strictEqual((await mlPipe(["run", variant(cwd, "pipeline.ts")], { cwd })).code, 0);
});

/** Every file that a command executes, as V8 saw it. */
const loaded = (...args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const folder = mkdtempSync(join(tmpdir(), "ml-pipe-coverage-"));
  try {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(root, "packages/cli/bin/ml-pipe.mjs"), ...args],
      { cwd, env: { PATH: process.env["PATH"], NODE_V8_COVERAGE: folder }, encoding: "utf8" },
    );
    assert.strictEqual(status, 0, stderr);
    return readdirSync(folder)
      .map((file) => readFileSync(join(folder, file), "utf8"))
      .flatMap((text) => Schema.decodeUnknownSync(Coverage)(text).result)
      .filter(({ url }) => url.startsWith("file:"))
      .map(({ url }) => relative(root, fileURLToPath(url)));
  } finally {
    rmSync(folder, { recursive: true });
  }
};

const Sources = Schema.fromJsonString(Schema.Struct({ sources: Schema.Array(Schema.String) }));

/** The modules that are bundled into a file, by their paths in the repository. */
const sourcesOf = (file: string): ReadonlyArray<string> =>
  Schema.decodeUnknownSync(Sources)(readFileSync(join(root, `${file}.map`), "utf8")).sources.map(
    (source) => relative(root, join(root, dirname(file), source)),
  );

const start = "packages/cli/dist/start.js";

/** Everything that a command executes is the launcher and these parts of the bundle. */
const parts = (...args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const files = loaded(...args);
  assert.includeMembers([...files], ["packages/cli/bin/ml-pipe.mjs", start]);
  const bundle = files.filter((file) => file !== "packages/cli/bin/ml-pipe.mjs");
  for (const file of bundle) {
    assert.isTrue(file === start || file.startsWith("packages/cli/dist/start/"), file);
  }
  return bundle;
};

describe("what answers at once loads the bundle and nothing else", () => {
  for (const args of [["status"], ["runs"], ["show"], ["logs"], ["dump"]]) {
    it(args.join(" "), () => {
      const bundle = parts(...args);
      assert.isAtMost(bundle.length, 14, bundle.join("\n"));
      assert.include(bundle.flatMap(sourcesOf), "packages/core/src/store/runs.ts");
    });
  }
  for (const args of [["--help"], ["--version"], ["run", "--help"], ["--completions", "bash"]]) {
    it(`${args.join(" ")}: not even the record of runs`, () => {
      const bundle = parts(...args);
      assert.isAtMost(bundle.length, 6, bundle.join("\n"));
      const sources = bundle.flatMap(sourcesOf);
      assert.include(sources, "packages/cli/src/commandLine.ts");
      assert.deepStrictEqual(
        sources.filter((source) => /^packages\/(?!cli\/)/.test(source)),
        [],
      );
    });
  }
});

it("the bundle contains nothing that only some commands need", () => {
  const folder = "packages/cli/dist/start";
  const files = readdirSync(join(root, folder)).filter((file) => file.endsWith(".js"));
  const sources = [start, ...files.map((file) => join(folder, file))].flatMap(sourcesOf);
  const heavy =
    /node_modules\/(@duckdb|typescript|esbuild|acorn|linkedom|@observablehq|@dagrejs)\/|packages\/(data|ingest|validate|train|evaluate|deploy|monitor|ml-pipe)\//;
  assert.deepStrictEqual(
    sources.filter((source) => heavy.test(source)),
    [],
  );
});

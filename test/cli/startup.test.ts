import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
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

describe("what answers at once loads the bundle and nothing else", () => {
  for (const args of [
    ["--help"],
    ["--version"],
    ["run", "--help"],
    ["status"],
    ["runs"],
    ["show"],
  ]) {
    it(args.join(" "), () => {
      assert.sameMembers(
        [...loaded(...args)],
        ["packages/cli/bin/ml-pipe.mjs", "packages/cli/dist/start.js"],
      );
    });
  }
});

it("the bundle contains nothing that only some commands need", () => {
  const map: unknown = JSON.parse(
    readFileSync(join(root, "packages/cli/dist/start.js.map"), "utf8"),
  );
  const { sources } = Schema.decodeUnknownSync(
    Schema.Struct({ sources: Schema.Array(Schema.String) }),
  )(map);
  const heavy =
    /node_modules\/(@duckdb|typescript|esbuild|acorn|linkedom|@observablehq|@dagrejs)\/|packages\/(data|ingest|validate|train|evaluate|deploy|monitor|ml-pipe)\//;
  assert.deepStrictEqual(
    sources.filter((source) => heavy.test(source)),
    [],
  );
});

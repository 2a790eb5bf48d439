import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as Effect from "effect/Effect";
import { assert, it } from "vitest";
import { importError, loadPipeline } from "./loadPipeline.ts";

const file = fileURLToPath(new URL("pipeline.ts", import.meta.url));
const thrownAt = (...modules: ReadonlyArray<string>): Error => {
  const error = new TypeError('feature "x" is text.');
  const frames = modules.map((module) => `    at make (${new URL(module, import.meta.url)}:7:3)`);
  error.stack = ["TypeError: …", ...frames].join("\n");
  return error;
};

it("lets a definition that ml-pipe refused speak for itself", () => {
  const { message } = importError(file, thrownAt("../../../data/src/FeatureSet.ts", "pipeline.ts"));
  assert.strictEqual(message, 'feature "x" is text.');
});

it("says of the file's own errors where they belong", () => {
  const { message } = importError(file, thrownAt("pipeline.ts"));
  assert.strictEqual(
    message,
    'it threw TypeError while being read: feature "x" is text. A pipeline file only describes its pipeline; what can fail belongs into a stage.',
  );
});

it("refuses a pipeline whose packages are another installation, before it is read", async () => {
  const project = realpathSync(mkdtempSync(join(tmpdir(), "ml-pipe-copy-")));
  const copy = join(project, "node_modules/@ml-pipe/ml-pipe");
  mkdirSync(copy, { recursive: true });
  writeFileSync(join(copy, "package.json"), '{"name":"@ml-pipe/ml-pipe","main":"index.js"}');
  writeFileSync(join(copy, "index.js"), "");
  writeFileSync(join(project, "pipeline.js"), 'throw new Error("it was read");');
  const { _tag, message } = await Effect.runPromise(
    Effect.flip(loadPipeline(join(project, "pipeline.js"))),
  );
  assert.strictEqual(_tag, "PipelineOfAnotherCopy");
  assert.include(message, `it imports ml-pipe from ${copy}, and this command is of `);
  assert.include(message, "npx ml-pipe, in the folder of the pipeline");
  rmSync(project, { recursive: true });
});

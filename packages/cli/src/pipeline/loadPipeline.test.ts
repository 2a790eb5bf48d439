import { fileURLToPath } from "node:url";
import { assert, it } from "vitest";
import { importError } from "./loadPipeline.ts";

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

/** Scores where ONNX Runtime cannot be found: a file, and prints what is said; then a built-in model. */
import { registerHooks } from "node:module";
import { isMainThread } from "node:worker_threads";
import * as Effect from "effect/Effect";

// This module is preloaded in the thread too: `--import` is inherited.
registerHooks({
  resolve: (name, context, next) => {
    if (name === "onnxruntime-node") throw new Error("Cannot find package");
    return next(name, context);
  },
});

if (isMainThread) {
  const { start } = await import("../src/onnx/thread.ts");
  const task = {
    path: process.argv[2] ?? "",
    inputs: [{ name: "X", type: "float32", features: [0, 1, 2], vector: false }],
    output: "probabilities",
  } as const;
  const error = await Effect.runPromise(Effect.scoped(Effect.flip(start(task))));
  console.log(error._tag, error.message);
  const { Artifact } = await import("@ml-pipe/core");
  const { Scoring } = await import("../src/index.ts");
  const builtIn = Scoring.open({
    estimator: { _tag: "ConstantModel", version: 1, features: ["a"], values: [0.25] },
  });
  const scores = Effect.flatMap(builtIn, (scoring) => scoring.rows([[1]])).pipe(
    Effect.scoped,
    Effect.provide(Artifact.ArtifactStore.layerTemporary),
  );
  console.log("built in:", ...(await Effect.runPromise(scores)));
}

/** Reads a model that computes for years, stops, and says how it ended; the process ends too. */
import { Artifact } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { Onnx } from "../src/index.ts";

const read = Onnx.read(process.argv[2] ?? "", { features: ["a", "b", "c"], columns: [0] }).pipe(
  Effect.timeout("1 second"),
  Effect.flip,
  Effect.provide(Artifact.ArtifactStore.layerTemporary),
);
console.log((await Effect.runPromise(read))._tag);

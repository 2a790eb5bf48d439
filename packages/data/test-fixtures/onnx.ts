/** ONNX files and what scikit-learn says: `onnx_models.py` makes them. */
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Artifact } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import made from "./onnx_models.json" with { type: "json" };

/** The names of the files. */
export type Name = keyof typeof made.files;

/** Rows of three features, and the scores that scikit-learn gives them. */
export const { asked, expected } = made;

/** Texts of the feature `c` of the file `named`, of which the last was not trained on. */
export const { plans } = made;

/** Features of every file. */
export const features = ["a", "b", "c"];

/** The bytes of a file. */
export const bytesOf = (name: Name): Buffer => Buffer.from(made.files[name], "base64");

/** Writes bytes to a file that goes with the scope. */
export const fileOf = Effect.fnUntraced(function* (bytes: Uint8Array, name = "model.onnx") {
  const file = path.join(yield* (yield* Artifact.ArtifactStore).temporaryFolder, name);
  yield* Effect.promise(() => fs.writeFile(file, bytes));
  return file;
});

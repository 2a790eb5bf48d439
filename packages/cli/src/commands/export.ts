/** `ml-pipe export`: writes the model of a release for other programs. */
import * as fs from "node:fs/promises";
import { Artifact, Digest } from "@ml-pipe/core";
import { Model, Onnx, Release } from "@ml-pipe/data";
import { Registry } from "@ml-pipe/deploy";
import * as Effect from "effect/Effect";
import * as ExitCode from "../ExitCode.ts";
import { bytesText } from "../view/bytes.ts";
import { pretty } from "../view/json.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `export` was asked for. */
export interface ExportOptions {
  readonly stateFolder: string;
  readonly release: string;
  /** The file to write. */
  readonly onnx: string;
  /** Without the model's transformation. */
  readonly prepared: boolean;
  readonly json: boolean;
}

/** Runs the command; the result is its exit code. */
export const exportRelease = (
  { stateFolder, release: reference, onnx: file, prepared, json }: ExportOptions,
  context: CommandContext,
): Promise<number> =>
  runCommand(
    context,
    Effect.gen(function* () {
      const found = yield* Registry.Registry.use(({ get }) => get(reference));
      const release = yield* Release.requireModel(found, "ONNX form as a whole");
      const document = yield* Model.load(release.model);
      const from = prepared ? "prepared" : "columns";
      const bytes = yield* bytesOf(release, document, from);
      yield* written(file, bytes);
      const { inputs } = yield* Onnx.inspect(file);
      const { estimator, transform } = document;
      const isPrepared = transform !== undefined && (prepared || estimator._tag === "OnnxModel");
      // Of what reads no column, the matrix has none.
      const byColumn = transform !== undefined && !isPrepared && inputs[0]?.shape?.[1] !== 0;
      const features = byColumn ? inputs.map(({ name }) => name) : estimator.features;
      const { out, style } = context.terminal;
      if (json) {
        const digest = Digest.ofBytes(bytes);
        out(
          pretty({ file, release: Release.label(release), bytes: bytes.length, digest, features }),
        );
        return ExitCode.succeeded;
      }
      out(
        [
          `${style.bold(file)}: ${Release.label(release)} as ONNX, ${bytesText(bytes.length)}`,
          byColumn
            ? `its inputs are columns, rows × 1: ${inputs.map(({ name, type }) => (type === "string" ? `${name} (text)` : name)).join(", ")}`
            : `its input takes rows × ${features.length}${features.length === 0 ? "" : `: ${features.join(", ")}`}`,
          ...(isPrepared
            ? [
                "these are prepared features: what the model's transformation makes of its feature set",
              ]
            : []),
        ].join("\n"),
      );
      return ExitCode.succeeded;
    }).pipe(
      Effect.provide(Registry.Registry.layer(stateFolder)),
      Effect.provide(Artifact.ArtifactStore.layer(stateFolder)),
    ),
  );

/** A built-in model is encoded; one in ONNX is there as a file. */
const bytesOf = Effect.fnUntraced(function* (
  release: Release.ModelRelease,
  document: Model.ModelDocument,
  from: "columns" | "prepared",
) {
  const { estimator } = document;
  if (estimator._tag === "OnnxModel") {
    const store = yield* Artifact.ArtifactStore;
    yield* store.verify(estimator.file);
    const path = yield* store.path(estimator.file);
    return yield* Effect.tryPromise({
      try: async () => new Uint8Array(await fs.readFile(path)),
      catch: Artifact.ArtifactStoreError.of("read", path),
    });
  }
  const metadata = {
    release: Release.label(release),
    decision: release.decision,
    policy: Release.policy(release),
    ...(release.threshold === undefined ? {} : { threshold: String(release.threshold) }),
  };
  return yield* Onnx.encode(document, { from, metadata });
});

/** Whole or not at all: written under another name, then renamed. */
const written = (file: string, bytes: Uint8Array) =>
  Effect.tryPromise({
    try: async () => {
      const temporary = `${file}.${process.pid}.tmp`;
      await fs.writeFile(temporary, bytes);
      await fs.rename(temporary, file);
    },
    catch: Artifact.ArtifactStoreError.of("write", file),
  });

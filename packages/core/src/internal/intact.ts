/** Whether all that a recorded output refers to is still there, as it was. */
import { createReadStream, existsSync } from "node:fs";
import * as Effect from "effect/Effect";
import * as Stream from "effect/Stream";
import {
  type Artifact,
  type ArtifactMissing,
  ArtifactStore,
  ArtifactStoreError,
  referencedBy,
} from "../Artifact.ts";
import { filesIn } from "./lineageRows.ts";

/** The media type of a stored list: one JSON value on each line. */
export const listMediaType = "application/x-ndjson";

/** The lines of a stored list. Verifies first that the file is what was stored. */
export const linesOf = (
  artifact: Artifact,
): Stream.Stream<string, ArtifactMissing | ArtifactStoreError, ArtifactStore> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const artifacts = yield* ArtifactStore;
      yield* artifacts.verify(artifact);
      const file = yield* artifacts.path(artifact);
      const text: AsyncIterable<string> = createReadStream(file, "utf8");
      return Stream.splitLines(Stream.fromAsyncIterable(text, ArtifactStoreError.of("read", file)));
    }),
  );

/**
 * Why an output cannot be used again: an artifact is gone or damaged, also one that a stored list
 * mentions, or a file outside the state folder is not where it was. Nothing if it can.
 */
export const brokenReference: (
  output: unknown,
) => Effect.Effect<string | undefined, never, ArtifactStore> = Effect.fnUntraced(
  function* (output) {
    for (const { path } of filesIn(output)) {
      if (path !== undefined && !existsSync(path)) return `${path} is not there any more`;
    }
    const { verify } = yield* ArtifactStore;
    for (const artifact of referencedBy(output)) {
      const intact =
        artifact.mediaType === listMediaType
          ? brokenInList(artifact)
          : Effect.as(verify(artifact), undefined);
      const found = yield* Effect.result(intact);
      if (found._tag === "Failure") return found.failure.message;
      if (found.success !== undefined) return found.success;
    }
    return undefined;
  },
);

const brokenInList = (list: Artifact) => {
  let broken: string | undefined;
  return linesOf(list).pipe(
    // Most lists refer to nothing: their lines are not even parsed.
    Stream.filter((line) => line.includes('"digest"')),
    Stream.runForEachWhile((line) =>
      Effect.map(brokenReference(JSON.parse(line)), (found) => (broken = found) === undefined),
    ),
    Effect.map(() => broken),
  );
};

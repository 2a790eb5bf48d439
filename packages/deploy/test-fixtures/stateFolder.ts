/** State folders with releases, for tests. */
import * as fs from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { Artifact } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Registry } from "../src/Registry.ts";
import { candidate } from "./trips.ts";

/** A temporary folder that is removed with the scope. */
export const temporary = Effect.acquireRelease(
  Effect.promise(() => fs.mkdtemp(path.join(os.tmpdir(), "ml-pipe-deploy-"))),
  (folder) => Effect.promise(() => fs.rm(folder, { recursive: true, force: true })),
);

/** The services of a state folder. */
export const layersOf = (folder: string) =>
  Layer.mergeAll(Registry.layer(folder), Artifact.ArtifactStore.layer(folder));

/** Publishes `trip-delay@1` of a hand-made model in a folder. */
export const publishIn = (folder: string, options: Parameters<typeof candidate>[0] = {}) =>
  candidate(options).pipe(
    Effect.flatMap((one) => Registry.use(({ publish }) => publish(one))),
    Effect.provide(layersOf(folder)),
  );

/** A temporary state folder with the release `trip-delay@1`. */
export const released = Effect.tap(temporary, (folder) => publishIn(folder));

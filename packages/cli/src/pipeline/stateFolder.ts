/** Makes the state folder, or says why it cannot be. */
import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Artifact } from "@ml-pipe/ml-pipe";
import type * as Effect from "effect/Effect";

/** Makes a folder that can be written to, with those above it. */
export const makeStateFolder = (
  folder: string,
): Effect.Effect<void, Artifact.ArtifactStoreError> => {
  const absolute = path.resolve(folder);
  return Artifact.attempt("write to the state folder", absolute, async () => {
    await makeFolder(absolute);
    const probe = path.join(absolute, `.probe-${process.pid}`);
    try {
      await fs.writeFile(probe, "");
    } finally {
      await fs.rm(probe, { force: true }).catch(() => {});
    }
  });
};

/**
 * One folder at a time: Node's recursive `mkdir` never ends where a parent exists but takes no new
 * folders and says that it does not exist, as `/proc` does.
 */
const makeFolder = async (folder: string): Promise<void> => {
  if (existsSync(folder) || folder === path.dirname(folder)) return;
  await makeFolder(path.dirname(folder));
  await fs.mkdir(folder).catch((cause: unknown) => {
    // Another process was faster.
    if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw cause;
  });
};

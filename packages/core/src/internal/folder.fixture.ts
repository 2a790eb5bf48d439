/** Folders for tests, removed with the scope. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as Effect from "effect/Effect";

/** An empty folder. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-test-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
);

/** A folder on a disk of one megabyte, where the system lets us mount one. */
export const smallDisk = Effect.acquireRelease(
  Effect.map(temporaryFolder, (folder) => {
    const options = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder];
    return spawnSync("mount", options).status === 0 ? folder : undefined;
  }),
  (folder) => Effect.sync(() => (folder === undefined ? null : spawnSync("umount", [folder]))),
);

/** Every file below a folder, with `/` between names. */
export const filesBelow = (folder: string): ReadonlyArray<string> =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .map((name) => name.replaceAll("\\", "/"));

/** The number of a process that has ended. */
export const deadPid = (): number => spawnSync(process.execPath, ["--version"]).pid;

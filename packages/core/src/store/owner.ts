/**
 * One process at a time owns a state folder. The lock is SQLite's on a file of its own: the system
 * gives it back when a process ends, also by `kill -9`, so that a stale lock cannot exist. Who owns it
 * is written beside it, for people.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { FolderOwned } from "./FolderOwned.ts";
import { StoreError } from "./StoreError.ts";

const Owner = Schema.fromJsonString(
  Schema.Struct({ pid: Schema.Int, since: Schema.DateFromString }),
);

/** Locks of this process, which may run several pipelines in one folder at once. */
const held = new Map<string, { readonly lock: DatabaseSync; users: number }>();

/** Owns a folder as long as the scope lasts. */
export const own = (folder: string): Effect.Effect<void, StoreError | FolderOwned, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.suspend(() => acquire(path.resolve(folder))),
    () => Effect.sync(() => release(path.resolve(folder))),
  );

const acquire = (folder: string): Effect.Effect<void, StoreError | FolderOwned> => {
  const found = held.get(folder);
  if (found !== undefined) {
    found.users++;
    return Effect.void;
  }
  const file = path.join(folder, "owner.lock");
  return Effect.try({
    try: () => {
      const lock = new DatabaseSync(file);
      try {
        // Kept open and never committed: others may not begin one.
        lock.exec("PRAGMA busy_timeout = 0; BEGIN IMMEDIATE");
      } catch (cause) {
        lock.close();
        throw cause;
      }
      held.set(folder, { lock, users: 1 });
      writeOwner(folder);
    },
    catch: (cause) => {
      const problem = cause instanceof Error ? cause.message : String(cause);
      if (problem.includes("locked")) return new FolderOwned({ folder, ...readOwner(folder) });
      return new StoreError({
        operation: "lock the state folder",
        path: file,
        problem,
        next: "Check that the state folder is writable and the disk is not full, or choose another folder with --state.",
      });
    },
  });
};

const release = (folder: string): void => {
  const found = held.get(folder);
  if (found === undefined || --found.users > 0) return;
  held.delete(folder);
  fs.rmSync(ownerFile(folder), { force: true });
  found.lock.close();
};

const ownerFile = (folder: string): string => path.join(folder, "owner.json");

const writeOwner = (folder: string): void => {
  const text = Schema.encodeSync(Owner)({ pid: process.pid, since: new Date() });
  const temporary = `${ownerFile(folder)}.${process.pid}`;
  try {
    fs.writeFileSync(temporary, text);
    fs.renameSync(temporary, ownerFile(folder));
  } catch {
    // The lock counts; this only says whose it is.
    fs.rmSync(temporary, { force: true });
  }
};

const readOwner = (folder: string): Partial<typeof Owner.Type> => {
  try {
    return Schema.decodeSync(Owner)(fs.readFileSync(ownerFile(folder), "utf8"));
  } catch {
    return {};
  }
};

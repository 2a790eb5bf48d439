/** Where the lock of contracts is, and how it is read and written. */
import { existsSync, readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Artifact, ContractLock, type Pipeline } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { shortPath } from "../view/text.ts";
import { specsOf } from "./loadContracts.ts";

/**
 * The lock of a file: the nearest one in its folder or above it, as far as the root of the repository;
 * if there is none, the one to be made beside the file.
 */
export const lockFileOf = (file: string): string => {
  const beside = path.dirname(path.resolve(file));
  for (let folder = beside; ; folder = path.dirname(folder)) {
    const lock = path.join(folder, ContractLock.fileName);
    if (existsSync(lock)) return lock;
    if (existsSync(path.join(folder, ".git")) || folder === path.dirname(folder)) break;
  }
  return path.join(beside, ContractLock.fileName);
};

/** Reads it; what is not there is empty. */
export const readLock = (
  file: string,
): Effect.Effect<
  ContractLock.ContractLock,
  ContractLock.LockInvalid | Artifact.ArtifactStoreError
> =>
  existsSync(file)
    ? Artifact.attempt("read", file, () => fs.readFile(file, "utf8")).pipe(
        Effect.flatMap((text) => Effect.fromResult(ContractLock.fromText(file, text))),
      )
    : Effect.succeed(ContractLock.empty);

/**
 * Which contracts of a pipeline are not as they are locked, in words; nothing where nothing is locked.
 * A run goes on: whether it may be released is for `ml-pipe contracts check`.
 */
export const lockWarnings = (pipeline: Pipeline.Pipeline, file: string): ReadonlyArray<string> => {
  const lockFile = lockFileOf(file);
  if (!existsSync(lockFile)) return [];
  const lock = ContractLock.fromText(lockFile, readFileSync(lockFile, "utf8"));
  if (Result.isFailure(lock)) return [lock.failure.message];
  return (
    ContractLock.review(lock.success, {
      usedBy: pipeline.name,
      contracts: specsOf(pipeline),
      readers: [],
    })
      // What the file exports beside its pipeline is not seen here, so none of it is gone.
      .filter(({ status }) => status === "new" || status === "changed")
      .map(
        ({ contract }) =>
          `the contract ${contract} is not as in ${shortPath(lockFile)}: ml-pipe contracts diff ${shortPath(path.resolve(file))}`,
      )
  );
};

/** Writes it in one piece. */
export const writeLock = (
  file: string,
  lock: ContractLock.ContractLock,
): Effect.Effect<void, Artifact.ArtifactStoreError> =>
  Artifact.attempt("write", file, async () => {
    const temporary = `${file}.${process.pid}.tmp`;
    await fs.writeFile(temporary, ContractLock.toText(lock), { flush: true });
    await fs.rename(temporary, file);
  });

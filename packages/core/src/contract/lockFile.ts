/** The file of a lock of contracts: what is in it, and how it is read and written. */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import * as Column from "../Column.ts";
import * as Digest from "../Digest.ts";
import { ContractSpec } from "./spec.ts";

/** A team's word on a change. */
export const Acknowledgement = Schema.Struct({
  team: Schema.String,
  by: Schema.String,
  at: Schema.String,
  reason: Schema.String,
  /** What it is about, in words: `1.0.0 → 2.0.0`, or a release. */
  about: Schema.String,
  /** Digest of the change: of what was and what is. */
  change: Digest.Digest,
});
/** See {@link Acknowledgement}. */
export type Acknowledgement = typeof Acknowledgement.Type;

/** A contract as it was last agreed on. */
export const LockedContract = Schema.Struct({
  digest: Digest.Digest,
  /** Pipelines, or files, that have it. */
  usedBy: Schema.Array(Schema.String),
  spec: ContractSpec,
  acknowledgements: Schema.Array(Acknowledgement),
});
/** See {@link LockedContract}. */
export type LockedContract = typeof LockedContract.Type;

/** A release that serves, as a consumer of a contract. */
export const Reader = Schema.Struct({
  /** Such as `flight-delay@3`. */
  release: Schema.String,
  /** The team that answers for it. */
  owner: Schema.String,
  contract: Schema.String,
  /** The columns that a request carries, as they were when it was made. */
  columns: Schema.Record(Schema.String, Column.ColumnSpec),
});
/** See {@link Reader}. */
export type Reader = typeof Reader.Type;

/** The content of the file. */
export const ContractLock = Schema.Struct({
  lockVersion: Schema.Literal(1),
  contracts: Schema.Record(Schema.String, LockedContract),
  /** Releases that served when it was written: for where there is no registry to ask. */
  readers: Schema.Array(Reader),
});
/** See {@link ContractLock}. */
export type ContractLock = typeof ContractLock.Type;

/** The name of the file. */
export const fileName = "contracts.lock.json";

/** A lock in which nothing was agreed on yet. */
export const empty: ContractLock = { lockVersion: 1, contracts: {}, readers: [] };

/** A lock file that cannot be read, or was changed by hand. */
export class LockInvalid extends Schema.TaggedError<LockInvalid>()("LockInvalid", {
  file: Schema.String,
  problems: Schema.Array(Schema.String),
}) {
  override get message(): string {
    const lines = this.problems.map((problem) => `  - ${problem}`);
    return `the lock ${this.file} cannot be used:\n${lines.join("\n")}\nTake it back from Git; change contracts where they are defined, then run: ml-pipe contracts lock`;
  }
}

/**
 * Reads the text of a lock file. Verifies that every contract in it still has its digest.
 *
 * @example
 * ```ts
 * import { ContractLock } from "@ml-pipe/core";
 *
 * const read = ContractLock.fromText("contracts.lock.json", ContractLock.toText(ContractLock.empty));
 * ```
 */
export const fromText = (file: string, text: string): Result.Result<ContractLock, LockInvalid> => {
  const merge = text.split("\n").findIndex((line) => /^(<{7}|={7}|>{7})/.test(line));
  if (merge >= 0) {
    const problems = [
      `line ${merge + 1} is a mark of a merge: take one side whole, then lock the contracts again`,
    ];
    return Result.fail(new LockInvalid({ file, problems }));
  }
  const decoded = decode(text);
  if (Result.isFailure(decoded)) {
    const problems = decoded.failure.message.split("\n  at ").join(" at ").split("\n");
    return Result.fail(new LockInvalid({ file, problems }));
  }
  const problems = Object.entries(decoded.success.contracts).flatMap(([name, { digest, spec }]) => [
    ...(spec.name === name ? [] : [`"${name}" holds the contract "${spec.name}"`]),
    ...(Digest.ofJson(spec) === digest ? [] : [`"${name}" was changed by hand`]),
  ]);
  return problems.length === 0
    ? Result.succeed(decoded.success)
    : Result.fail(new LockInvalid({ file, problems }));
};

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(ContractLock), { errors: "all" });

/**
 * The text of a lock file: keys in order, one value a line, so that a change of a contract is a few
 * lines of a diff.
 *
 * @example
 * ```ts
 * import { ContractLock } from "@ml-pipe/core";
 *
 * const text: string = ContractLock.toText(ContractLock.empty); // {\n  "contracts": {},\n  …
 * ```
 */
export const toText = (lock: ContractLock): string => {
  const canonical: unknown = JSON.parse(Digest.canonicalJson(lock));
  return `${JSON.stringify(canonical, undefined, 2)}\n`;
};

/**
 * The lock of contracts: a file in Git, `contracts.lock.json`, with every contract as it was last agreed
 * on. A change of a contract that breaks somebody is agreed on when each team that it breaks has said so,
 * about exactly this change: what was said is bound to the digests of both versions, and void as soon as
 * one of them changes.
 *
 * Models are consumers too: a contract is also held against what releases that serve were made for.
 */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Change } from "./contract/change.ts";
import { diff } from "./contract/diff.ts";
import {
  Acknowledgement,
  type ContractLock,
  type LockedContract,
  type Reader,
} from "./contract/lockFile.ts";
import type { ContractSpec } from "./contract/spec.ts";
import { versionProblem } from "./contract/version.ts";
import * as Digest from "./Digest.ts";

export * from "./contract/lockFile.ts";

/** Something that has to be agreed on: a change of a contract, or a release that it breaks. */
export const Question = Schema.Struct({
  about: Schema.String,
  /** Digest of the change, which every acknowledgement names. */
  change: Digest.Digest,
  changes: Schema.Array(Change),
  mustAgree: Schema.Array(Schema.String),
  /** Whose word is there. */
  agreed: Schema.Array(Acknowledgement),
  /** Whose word is missing. */
  missing: Schema.Array(Schema.String),
});
/** See {@link Question}. */
export type Question = typeof Question.Type;

/** How a contract stands to the lock. */
export const Review = Schema.Struct({
  contract: Schema.String,
  owner: Schema.String,
  status: Schema.Literals(["locked", "new", "changed", "gone"]),
  /** Absent if it is gone. */
  digest: Schema.optionalKey(Digest.Digest),
  questions: Schema.Array(Question),
  /** Why its version does not say what the change means. */
  version: Schema.optionalKey(Schema.String),
});
/** See {@link Review}. */
export type Review = typeof Review.Type;

/** What is held against a lock. */
export interface Current {
  /** The pipeline, or file, that has the contracts. */
  readonly usedBy: string;
  readonly contracts: ReadonlyArray<ContractSpec>;
  /** Releases that serve. */
  readonly readers: ReadonlyArray<Reader>;
}

/**
 * How every contract of a pipeline stands to the lock: what changed, whom it breaks, whose word is there
 * and whose is missing. Contracts of other pipelines are left alone.
 *
 * @example
 * ```ts
 * import { Column, Contract, ContractLock } from "@ml-pipe/core";
 *
 * const Point = Contract.make("point", { version: "1.0.0", owner: "lab", columns: { x: Column.float() } });
 * const [review] = ContractLock.review(ContractLock.empty, {
 *   usedBy: "points", contracts: [Point.spec], readers: [],
 * });
 * const status = review?.status; // "new"
 * ```
 */
export const review = (lock: ContractLock, current: Current): ReadonlyArray<Review> => {
  const now = current.contracts.map((spec) => reviewOne(lockedOf(lock, spec.name), spec, current));
  const names = new Set(current.contracts.map(({ name }) => name));
  const gone = Object.entries(lock.contracts)
    .filter(([name, { usedBy }]) => !names.has(name) && usedBy.includes(current.usedBy))
    .map(([, locked]) => reviewGone(locked, current.usedBy));
  return [...now, ...gone].toSorted((a, b) => (a.contract < b.contract ? -1 : 1));
};

const lockedOf = ({ contracts }: ContractLock, name: string): LockedContract | undefined =>
  Object.hasOwn(contracts, name) ? contracts[name] : undefined;

const reviewOne = (
  locked: LockedContract | undefined,
  spec: ContractSpec,
  { usedBy, readers }: Current,
): Review => {
  const digest = Digest.ofJson(spec);
  const said = locked?.acknowledgements ?? [];
  const changes = locked === undefined ? [] : diff(locked.spec, spec);
  const version = locked === undefined ? undefined : versionProblem(locked.spec, spec);
  const own =
    locked === undefined || locked.digest === digest
      ? []
      : [
          question(
            `${locked.spec.version} → ${spec.version}`,
            { before: locked.digest, after: digest },
            changes,
            changes.flatMap(({ mustAgree }) => mustAgree),
            said,
          ),
        ];
  const ofReaders = readers
    .filter(({ contract }) => contract === spec.name)
    .flatMap((reader) => questionOf(reader, spec, said));
  return {
    contract: spec.name,
    owner: spec.owner,
    status:
      locked === undefined
        ? "new"
        : locked.digest === digest && locked.usedBy.includes(usedBy)
          ? "locked"
          : "changed",
    digest,
    questions: [...own, ...ofReaders],
    ...(version === undefined ? {} : { version }),
  };
};

const reviewGone = (
  { spec, digest, usedBy, acknowledgements }: LockedContract,
  pipeline: string,
): Review => {
  const agree = spec.consumers.length === 0 ? [spec.owner] : spec.consumers;
  return {
    contract: spec.name,
    owner: spec.owner,
    status: "gone",
    questions:
      usedBy.length > 1
        ? []
        : [
            question(
              `${spec.version} → none`,
              { before: digest, after: null },
              [
                {
                  kind: "contract-removed",
                  at: "",
                  before: spec.version,
                  after: null,
                  breaks: ["consumers"],
                  why: `${pipeline} no longer hands over "${spec.name}"`,
                  mustAgree: agree,
                },
              ],
              agree,
              acknowledgements,
            ),
          ],
  };
};

/** Whether what a release reads would break; its owner must agree. */
const questionOf = (
  { release, owner, columns }: Reader,
  spec: ContractSpec,
  said: ReadonlyArray<Acknowledgement>,
): ReadonlyArray<Question> => {
  const { name, version } = spec;
  const about = { name, version, owner: spec.owner, consumers: [owner] };
  // A column that it does not read is new to it, which breaks no consumer.
  const changes = diff({ ...about, columns }, { ...about, columns: spec.columns }).filter(
    ({ breaks }) => breaks.includes("consumers"),
  );
  if (changes.length === 0) return [];
  const told = changes.map((change) => ({ ...change, mustAgree: [owner] }));
  const before = Digest.ofJson({ release, columns });
  return [
    question(`release ${release}`, { before, after: Digest.ofJson(told) }, told, [owner], said),
  ];
};

const question = (
  about: string,
  change: { readonly before: Digest.Digest; readonly after: Digest.Digest | null },
  changes: ReadonlyArray<Change>,
  mustAgree: ReadonlyArray<string>,
  said: ReadonlyArray<Acknowledgement>,
): Question => {
  const digest = Digest.ofJson(change);
  const agreed = said.filter((one) => one.change === digest);
  const teams = [...new Set(mustAgree)];
  return {
    about,
    change: digest,
    changes,
    mustAgree: teams,
    agreed,
    missing: teams.filter((team) => !agreed.some((one) => one.team === team)),
  };
};

/** Whether everybody has agreed, and the version says what the change means. */
export const isSettled = ({ questions, version }: Review): boolean =>
  version === undefined && questions.every(({ missing }) => missing.length === 0);

/** Nobody waits for the word of this team. */
export class NotAsked extends Schema.TaggedError<NotAsked>()("NotAsked", {
  contract: Schema.String,
  team: Schema.String,
  asked: Schema.Array(Schema.String),
  /** Those whose word is there already. */
  agreed: Schema.Array(Schema.String),
}) {
  override get message(): string {
    const { agreed, asked, contract, team } = this;
    if (agreed.includes(team)) {
      const others =
        asked.length === 0
          ? "So has everybody: ml-pipe contracts lock"
          : `Those who have not: ${asked.join(", ")}`;
      return `"${team}" has agreed on "${contract}" already. ${others}`;
    }
    return asked.length === 0
      ? `no change of "${contract}" waits for anybody. See it with: ml-pipe contracts diff`
      : `"${team}" is not asked about "${contract}". Those who are: ${asked.join(", ")}`;
  }
}

/** A team's word says nothing about why. */
export class ReasonMissing extends Schema.TaggedError<ReasonMissing>()("ReasonMissing", {
  contract: Schema.String,
  team: Schema.String,
}) {
  override get message(): string {
    return `what "${this.team}" says on "${this.contract}" needs a reason: it is kept in the lock, for those who read it later`;
  }
}

/** What a team says. */
export type Word = Pick<Acknowledgement, "team" | "by" | "at" | "reason">;

/**
 * The lock with a team's word on every open question about a contract. Fails with {@link NotAsked} if
 * there is none for it, and with {@link ReasonMissing} if it does not say why.
 *
 * @example
 * ```ts
 * import { ContractLock } from "@ml-pipe/core";
 *
 * const agree = (lock: ContractLock.ContractLock, review: ContractLock.Review) =>
 *   ContractLock.acknowledge(lock, review, {
 *     team: "prices", by: "ana", at: "2026-11-28T10:00:00Z", reason: "we read both units",
 *   });
 * ```
 */
export const acknowledge = (
  lock: ContractLock,
  { contract, questions }: Review,
  word: Word,
): Result.Result<ContractLock, NotAsked | ReasonMissing> => {
  if (word.reason.trim() === "") {
    return Result.fail(new ReasonMissing({ contract, team: word.team }));
  }
  const open = questions.filter(({ missing }) => missing.includes(word.team));
  const locked = lockedOf(lock, contract);
  if (open.length === 0 || locked === undefined) {
    const asked = [...new Set(questions.flatMap(({ missing }) => missing))];
    const agreed = questions.flatMap((one) => one.agreed.map(({ team }) => team));
    return Result.fail(new NotAsked({ contract, team: word.team, asked, agreed }));
  }
  const said = open.map(({ about, change }) => ({ ...word, about, change }));
  const acknowledgements = [...locked.acknowledgements, ...said];
  return Result.succeed({
    ...lock,
    contracts: { ...lock.contracts, [contract]: { ...locked, acknowledgements } },
  });
};

/** Contracts changed and somebody has not agreed, or a version does not say what changed. */
export class NotAgreed extends Schema.TaggedError<NotAgreed>()("NotAgreed", {
  reviews: Schema.Array(Review),
}) {
  override get message(): string {
    const lines = this.reviews.flatMap(({ contract, questions, version }) => [
      ...questions
        .filter(({ missing }) => missing.length > 0)
        .map(({ about, missing }) => `  ${contract} (${about}) waits for ${missing.join(", ")}`),
      ...(version === undefined ? [] : [`  ${contract}: ${version}`]),
    ]);
    return `not every change is agreed on:\n${lines.join("\n")}`;
  }
}

/**
 * The lock after a pipeline's contracts were agreed on: as they are now. What was said about a change
 * that is locked, or about a release that still serves, stays; what was said about anything else goes.
 * Fails with {@link NotAgreed} if a word is missing.
 *
 * @example
 * ```ts
 * import { Column, Contract, ContractLock } from "@ml-pipe/core";
 *
 * const Point = Contract.make("point", { version: "1.0.0", owner: "lab", columns: { x: Column.float() } });
 * const locked = ContractLock.update(ContractLock.empty, {
 *   usedBy: "points", contracts: [Point.spec], readers: [],
 * });
 * ```
 */
export const update = (
  lock: ContractLock,
  current: Current,
): Result.Result<ContractLock, NotAgreed> => {
  const reviews = review(lock, current);
  const open = reviews.filter((one) => !isSettled(one));
  if (open.length > 0) return Result.fail(new NotAgreed({ reviews: open }));
  const contracts: Record<string, LockedContract> = { ...lock.contracts };
  for (const { contract, status } of reviews) {
    const locked = contracts[contract];
    if (status !== "gone" || locked === undefined) continue;
    const usedBy = locked.usedBy.filter((one) => one !== current.usedBy);
    if (usedBy.length === 0) delete contracts[contract];
    else contracts[contract] = { ...locked, usedBy };
  }
  for (const spec of current.contracts) {
    const locked = lockedOf(lock, spec.name);
    const digest = Digest.ofJson(spec);
    const live = reviews.find(({ contract }) => contract === spec.name)?.questions ?? [];
    const agreed = live.flatMap(({ agreed }) => agreed);
    contracts[spec.name] = {
      digest,
      usedBy: [...new Set([...(locked?.usedBy ?? []), current.usedBy])].toSorted(),
      spec,
      acknowledgements: locked?.digest === digest ? locked.acknowledgements : agreed,
    };
  }
  const others = lock.readers.filter(
    ({ contract }) => !current.contracts.some(({ name }) => name === contract),
  );
  const readers = [...others, ...current.readers].toSorted((a, b) =>
    a.release < b.release ? -1 : 1,
  );
  return Result.succeed({ lockVersion: 1, contracts, readers });
};

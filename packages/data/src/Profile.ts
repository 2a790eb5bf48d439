/**
 * Profiles: what a table looks like, as data. Nulls, extremes, moments, distributions, distinct and
 * frequent values of every column, computed in SQL; no value of a single row beyond the extremes and
 * the values of columns that have few.
 *
 * Profiles **merge**: that of a month is that of its days put together, without reading a row again. All
 * that is counted is a whole number and merges exactly, in any order; equal rows give an equal profile,
 * byte for byte, on any number of threads.
 */
import { Artifact, Digest } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Duckdb, type DuckdbError, identifier } from "./Duckdb.ts";
import {
  type ColumnProfile,
  ColumnProfile as ColumnProfileSchema,
  mergeColumns,
} from "./profile/ColumnProfile.ts";
import { parts, profiledOf } from "./profile/parts.ts";
import { asks, complete } from "./profile/scan.ts";
import { describe } from "./TableSchema.ts";

export type { Span } from "./profile/Buckets.ts";
export {
  ColumnProfile,
  InstantProfile,
  longestValue,
  mostValues,
  NumberProfile,
  TextProfile,
  Values,
} from "./profile/ColumnProfile.ts";
export {
  distinct,
  type DistinctCount,
  frequent,
  histogramOn,
  mean,
  nullShare,
  onAxis,
  quantile,
  quantileError,
  rowsOf,
  shape,
  spans,
  standardDeviation,
} from "./profile/read.ts";
export { distributions, type Shown, table } from "./profile/exhibits.ts";
export { parts, type Profiled, profiledOf, type SqlValue, typeOf } from "./profile/parts.ts";
export { asks, complete, type ProfiledColumn, type ValueOf } from "./profile/scan.ts";

/**
 * The profile of a table, or of some of its rows put together with others. Of columns of several values it
 * has parts: `tags.length`, `vector.norm`, `maker.city`. Columns of types that it does not know are named in
 * `unsupported`, never left out in silence.
 */
export const Profile = Schema.Struct({
  rows: Schema.Int,
  columns: Schema.Record(Schema.String, ColumnProfileSchema),
  /** The columns that some are parts of: `tags.length` of `tags`. */
  partOf: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  unsupported: Schema.Array(Schema.Struct({ column: Schema.String, sqlType: Schema.String })),
}).annotate({ title: "Profile" });
/** See {@link Profile}. */
export type Profile = typeof Profile.Type;

/**
 * Profiles all columns of a relation in SQL, such as {@link Table.relation} gives it. It is read three
 * times, column by column, in memory that does not grow with the rows: keep it in Parquet rather than in
 * CSV.
 *
 * @example
 * ```ts
 * import { Profile } from "@ml-pipe/data";
 * import * as Effect from "effect/Effect";
 *
 * const medianDelay = Effect.gen(function* () {
 *   const { columns } = yield* Profile.of("read_parquet('flights.parquet')");
 *   const delay = columns["delay"];
 *   return delay === undefined ? undefined : yield* Effect.fromResult(Profile.quantile(delay, 0.5));
 * });
 * ```
 */
export const of = Effect.fnUntraced(function* (
  relation: string,
): Effect.fn.Return<Profile, DuckdbError, Duckdb> {
  const { columns, partOf, unsupported } = profiledOf(
    (yield* describe(relation)).map(({ name, type }) => ({
      name,
      sql: identifier(name),
      sqlType: type,
    })),
  );
  const db = yield* Duckdb;
  const wanted = [...new Set(asks(columns))];
  const select = wanted.map((ask, index) => `${ask} AS a${index}`).join(", ");
  const [row] = yield* db.rows("profile the columns", `SELECT ${select} FROM ${relation}`);
  const found = new Map(wanted.map((ask, index) => [ask, row?.[`a${index}`]]));
  return {
    rows: Number(found.get("count(*)") ?? 0),
    columns: yield* complete(relation, columns, (ask) => found.get(ask)),
    ...parts(partOf),
    unsupported,
  };
});

/** Two profiles are not of the same columns. */
export class ProfilesDiffer extends Schema.TaggedError<ProfilesDiffer>()("ProfilesDiffer", {
  problems: Schema.Array(Schema.String),
}) {
  override get message(): string {
    return `profiles of different columns do not merge: ${this.problems.join("; ")}. Merge profiles of one contract version, or profile the tables again.`;
  }
}

/**
 * The profile of two parts together: that of all of their rows. Counts, extremes, distributions and
 * listed values are exactly those of the whole, in any order and grouping; moments are so but for the
 * rounding of doubles. Fails with {@link ProfilesDiffer}, naming every difference.
 *
 * @example
 * ```ts
 * import { Profile } from "@ml-pipe/data";
 *
 * const day: Profile.Profile = {
 *   rows: 4, unsupported: [], columns: { late: { type: "boolean", nulls: 0, present: 4, trues: 1 } },
 * };
 * const both = Profile.merge(day, day); // 8 rows, of which 2 late
 * ```
 */
export const merge = (a: Profile, b: Profile): Result.Result<Profile, ProfilesDiffer> => {
  const names = [...new Set([...Object.keys(a.columns), ...Object.keys(b.columns)])];
  const problems: Array<string> = [];
  const columns: Record<string, ColumnProfile> = {};
  for (const name of names) {
    const [left, right] = [a.columns[name], b.columns[name]];
    if (left === undefined || right === undefined) problems.push(`"${name}" is in one only`);
    else if (left.type !== right.type) problems.push(`"${name}" is ${left.type} and ${right.type}`);
    else columns[name] = mergeColumns(left, right);
  }
  if (problems.length > 0) return Result.fail(new ProfilesDiffer({ problems }));
  const unsupported = [...a.unsupported];
  for (const each of b.unsupported) {
    if (!unsupported.some(({ column }) => column === each.column)) unsupported.push(each);
  }
  const partOf = parts({ ...a.partOf, ...b.partOf });
  return Result.succeed({ rows: a.rows + b.rows, columns, ...partOf, unsupported });
};

/** As {@link merge}, of any number; undefined of none. */
export const mergeAll = (
  profiles: Iterable<Profile>,
): Result.Result<Profile | undefined, ProfilesDiffer> => {
  let all: Result.Result<Profile | undefined, ProfilesDiffer> = Result.succeed(undefined);
  for (const next of profiles) {
    all = Result.flatMap(all, (sum) =>
      sum === undefined ? Result.succeed(next) : merge(sum, next),
    );
  }
  return all;
};

/** A stored profile: what a stage hands over. The document is JSON, addressed by its content. */
export const Stored = Schema.Struct({
  /** Of the rows that were profiled. */
  contract: Schema.Struct({ name: Schema.String, version: Schema.String, digest: Digest.Digest }),
  /** Digest of the table that was profiled. */
  table: Digest.Digest,
  rows: Schema.Int,
  document: Artifact.Artifact,
}).annotate({ title: "Profile" });
/** See {@link Stored}. */
export type Stored = typeof Stored.Type;

/** Stores a profile and returns the handle. */
export const store = Effect.fnUntraced(function* (
  profile: Profile,
  about: Pick<Stored, "contract" | "table">,
): Effect.fn.Return<Stored, Artifact.ArtifactStoreError, Artifact.ArtifactStore> {
  const artifacts = yield* Artifact.ArtifactStore;
  const document = yield* artifacts.putJson(Schema.encodeSync(Profile)(profile));
  return { ...about, rows: profile.rows, document };
});

/** A stored profile does not have the form that it should. */
export class ProfileInvalid extends Schema.TaggedError<ProfileInvalid>()("ProfileInvalid", {
  digest: Digest.Digest,
  problem: Schema.String,
}) {
  override get message(): string {
    return `profile ${this.digest.slice(0, 19)} cannot be read: ${this.problem}. Profile the table again with this version of ml-pipe.`;
  }
}

/** What loading a profile can fail with. */
export type LoadError = ProfileInvalid | Artifact.ArtifactMissing | Artifact.ArtifactStoreError;

/** Loads a stored profile: verifies its digest, then its form. */
export const load = Effect.fnUntraced(function* (
  stored: Pick<Stored, "document">,
): Effect.fn.Return<Profile, LoadError, Artifact.ArtifactStore> {
  const artifacts = yield* Artifact.ArtifactStore;
  const json = yield* artifacts.readJson(stored.document);
  return yield* Schema.decodeUnknownEffect(Profile)(json).pipe(
    Effect.mapError(
      ({ message }) => new ProfileInvalid({ digest: stored.document.digest, problem: message }),
    ),
  );
});

/**
 * Golden sets: a few rows whose labels people agree on, under a name and a version that never change
 * their content. A candidate is held against them before each release; nothing is ever trained on them,
 * by type (the role `golden`) and when it runs (their rows are recognised in any training table).
 */
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { Artifact, type Contract, Digest, type Finding, Golden, Stage, Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { Duckdb, type DuckdbError, identifier, literal } from "./Duckdb.ts";
import type { FeatureSet } from "./FeatureSet.ts";
import { writeGolden } from "./internal/goldenFile.ts";
import * as Table from "./Table.ts";
import * as TableSchema from "./TableSchema.ts";
import { counted, whole } from "./Words.ts";

export { GoldenFileExists } from "./internal/goldenFile.ts";

/** A golden set of rows of the table that a feature set makes, which is under contract `Out`. */
export interface GoldenSet<out Out extends Contract.Contract = Contract.Contract> {
  readonly name: string;
  readonly version: string;
  readonly of: FeatureSet<Contract.Contract, Out>;
  /** A path relative to the working directory, or a `file:` URL. */
  readonly path: string | URL;
  readonly digest: Digest.Digest;
}

/** The file of a golden set is not what its name and version stand for. */
export class GoldenSetChanged extends Schema.TaggedError<GoldenSetChanged>()("GoldenSetChanged", {
  golden: Schema.String,
  path: Schema.String,
  expected: Digest.Digest,
  found: Schema.String,
}) {
  override get message(): string {
    const { golden, path, expected, found } = this;
    return `the golden set ${golden} is not what it was: ${path} has the digest ${found}, and ${expected} was agreed on. Restore the file; or, if the rows or labels were changed on purpose, give them a new version and this digest.`;
  }
}

/** The rows of a golden set cannot serve as one. Lists everything that is wrong. */
export class GoldenSetInvalid extends Schema.TaggedError<GoldenSetInvalid>()("GoldenSetInvalid", {
  golden: Schema.String,
  path: Schema.String,
  problems: Schema.Array(Schema.String),
}) {
  override get message(): string {
    return `the golden set ${this.golden} cannot be used (${this.path}):\n${this.problems.map((one) => `  ${one}`).join("\n")}`;
  }
}

/** Rows of a golden set are among the rows to train on. */
export class GoldenRowsInTraining extends Schema.TaggedError<GoldenRowsInTraining>()(
  "GoldenRowsInTraining",
  {
    /** Such as `hard-flights@1.0.0`. */
    golden: Schema.String,
    table: Digest.Digest,
    /** Rows of the training table that are golden. */
    rows: Schema.Int,
    /** Row numbers of the first of them, from 0. */
    sample: Schema.Array(Schema.Int),
    identity: Schema.Array(Schema.String),
  },
) {
  readonly [Stage.stops] = true;
  override get message(): string {
    const { golden, rows, sample, identity } = this;
    const more = rows > sample.length ? ", …" : "";
    return `${counted(rows, "row")} of the training table (row ${sample.join(", ")}${more}) ${rows === 1 ? "is" : "are"} in the golden set ${golden} by ${identity.join(", ")}: a model that has seen them passes its gate for the wrong reason. Take them out before the split: GoldenSet.withhold.`;
  }
}

/** Golden sets are small enough for people to agree on. */
const maximumRows = 100_000;

/**
 * Names a golden set: rows with agreed labels in a Parquet file, kept with the sources. The digest is that
 * of the file (`sha256-…`), as {@link write} gives it; the error of the stage says it too.
 *
 * @example
 * ```ts
 * import { Digest } from "@ml-pipe/core";
 * import { type FeatureSet, GoldenSet } from "@ml-pipe/data";
 *
 * const goldenOf = (set: FeatureSet.FeatureSet) =>
 *   GoldenSet.make("hard-flights", {
 *     version: "1.0.0", of: set, path: "golden/hard-flights-1.parquet", digest: Digest.ofBytes("…"),
 *   });
 * ```
 */
export const make = <Out extends Contract.Contract>(
  name: string,
  options: Omit<GoldenSet<Out>, "name">,
): GoldenSet<Out> => ({ name, ...options });

/**
 * Writes the file of a golden set: the rows of a table of the feature set for which `where` holds (default:
 * all), for people to agree on. Gives the number of rows and the digest for {@link make}. Fails with
 * {@link GoldenFileExists} where there is a file; what is written is whole or not there.
 *
 * @example
 * ```ts
 * import { type FeatureSet, GoldenSet, type Table } from "@ml-pipe/data";
 *
 * const choose = (set: FeatureSet.FeatureSet, rows: Table.Table) =>
 *   GoldenSet.write(set, rows, { path: "golden/hard-1.parquet" });
 * ```
 */
export const write = writeGolden;

/** What {@link stage} can fail with. */
export type GoldenSetError = GoldenSetChanged | GoldenSetInvalid | DuckdbError | Store.StoreError;

/**
 * A stage that reads a golden set and registers it in the store, so that every later training looks for
 * its rows. The file must have the digest that was agreed on; every row needs a label, and no two rows
 * may be the same.
 *
 * @example
 * ```ts
 * import { GoldenSet } from "@ml-pipe/data";
 *
 * const stageOf = (golden: GoldenSet.GoldenSet) => GoldenSet.stage(golden);
 * ```
 */
export const stage = <Out extends Contract.Contract>(golden: GoldenSet<Out>) => {
  const { name, version, of: set, digest } = golden;
  const label = Golden.label(golden);
  const file = path.resolve(golden.path instanceof URL ? fileURLToPath(golden.path) : golden.path);
  const requireUnchanged = Effect.gen(function* () {
    const found = yield* Effect.promise(() => Artifact.digestFile(file).catch(() => undefined));
    if (found?.digest === digest) return found;
    const what = found?.digest ?? "no file";
    return yield* new GoldenSetChanged({
      golden: label,
      path: file,
      expected: digest,
      found: what,
    });
  });
  return Stage.make("golden", {
    description: `reads the golden set ${label}`,
    input: {},
    output: Table.of(set.contract, "golden"),
    params: { name, version, digest, contract: set.contract.digest },
    // Registering is part of what it does: in another state folder it must run again.
    cache: "never",
    run: Effect.fnUntraced(function* (_, { progress }) {
      const found = yield* requireUnchanged;
      const relation = Table.parquet(file);
      const columns = yield* TableSchema.describe(relation);
      const { problems } = TableSchema.compare(set.contract, columns);
      const invalid = (problems: ReadonlyArray<string>) =>
        new GoldenSetInvalid({ golden: label, path: file, problems });
      if (problems.length > 0) {
        return yield* invalid(
          problems.map(
            ({ column, expected, found }) => `${column}: expected ${expected}, found ${found}`,
          ),
        );
      }
      const identity = identityOf(set.contract);
      const db = yield* Duckdb;
      const [row] = yield* db.rows(
        "read the golden rows",
        `SELECT count(*)::DOUBLE AS rows, count(label)::DOUBLE AS labelled, count(DISTINCT h)::DOUBLE AS different,
           count(decided)::DOUBLE AS decided,
           string_agg(h, ' ' ORDER BY h) AS hashes
         FROM (SELECT label, ${set.spec.decidedAt === undefined ? "0" : identifier(set.spec.decidedAt)} AS decided, ${hexOf(set.contract, identity)} AS h FROM ${relation})`,
      );
      const of = (one: string) => Number(row?.[one] ?? 0);
      const rows = of("rows");
      const counts = {
        rows,
        labelled: of("labelled"),
        decided: of("decided"),
        different: of("different"),
      };
      const wrong = wrongWith(counts, identity);
      if (wrong.length > 0) return yield* invalid(wrong);
      const store = yield* Store.Store;
      const registered = yield* store.goldens.register({
        name,
        version,
        contract: set.spec.source.name,
        digest,
        rows,
        identity,
        hashes: String(row?.["hashes"]).split(" "),
      });
      if (registered.digest !== digest) {
        const expected = registered.digest;
        return yield* new GoldenSetChanged({ golden: label, path: file, expected, found: digest });
      }
      yield* progress({ label: "rows", rows });
      const data = { _tag: "source", file: { path: file, ...found } } as const;
      return Table.make(set.contract, "golden", { rows, data, split: null });
    }),
  });
};

const wrongWith = (
  {
    rows,
    labelled,
    decided,
    different,
  }: { readonly [what in "rows" | "labelled" | "decided" | "different"]: number },
  identity: ReadonlyArray<string>,
): ReadonlyArray<string> => [
  ...(rows === 0 ? ["it has no rows: choose some that every release must get right"] : []),
  ...(rows > maximumRows
    ? [`${whole(rows)} rows are more than people can agree on: at most ${whole(maximumRows)}`]
    : []),
  ...(labelled < rows
    ? [`${counted(rows - labelled, "row")} without a label: agree on one, or leave the row out`]
    : []),
  ...(decided < rows
    ? [`${counted(rows - decided, "row")} without the moment of the decision`]
    : []),
  ...(different < rows
    ? [
        `${counted(rows - different, "row")} the same as another by ${identity.join(", ")}: keep one`,
      ]
    : []),
];

/**
 * A stage that takes the rows of a golden set out of a table before it is split, so that they are in no
 * part of it.
 *
 * @example
 * ```ts
 * import { GoldenSet } from "@ml-pipe/data";
 *
 * const withhold = (golden: GoldenSet.GoldenSet) => GoldenSet.withhold(golden);
 * ```
 */
export const withhold = <Out extends Contract.Contract>(golden: GoldenSet<Out>) => {
  const { contract } = golden.of;
  return Stage.make("withhold", {
    description: `takes out the rows of the golden set ${Golden.label(golden)}`,
    input: { data: Table.of(contract, "checked"), golden: Table.of(contract, "golden") },
    output: Table.of(contract, "checked"),
    run: Effect.fnUntraced(function* ({ data, golden }, { progress }) {
      const rows = yield* Table.relation(data, { rowNumbers: true });
      const hash = hexOf(contract, identityOf(contract));
      const columns = Object.keys(contract.columns).map(identifier).join(", ");
      const rest = yield* Table.write(contract, "checked", {
        query: `SELECT ${columns} FROM ${rows} WHERE ${hash} NOT IN (SELECT ${hash} FROM ${yield* Table.relation(golden)}) ORDER BY file_row_number`,
      });
      yield* progress({ label: "rows taken out", rows: data.rows - rest.rows });
      return rest;
    }),
  });
};

/**
 * Fails with {@link GoldenRowsInTraining} if any row of a table to train on is in any golden set that was
 * registered for rows of its contract. Without a store, outside an engine, none is registered. A golden
 * set whose rows are told apart by columns that the table does not have cannot be looked for: these are
 * findings.
 *
 * @example
 * ```ts
 * import { type FeatureSet, GoldenSet, type Table } from "@ml-pipe/data";
 *
 * const check = (set: FeatureSet.FeatureSet, train: Table.AnyTable) => GoldenSet.requireApart(set, train);
 * ```
 */
export const requireApart = Effect.fnUntraced(function* (
  set: FeatureSet,
  table: Table.AnyTable,
): Effect.fn.Return<
  ReadonlyArray<Finding.Finding>,
  GoldenRowsInTraining | DuckdbError | Table.ReadError | Store.StoreError,
  Duckdb | Artifact.ArtifactStore
> {
  const goldens = yield* registered(set);
  const there = new Set(Object.keys(set.contract.columns));
  const blind = goldens.filter(({ identity }) => identity.some((column) => !there.has(column)));
  for (const golden of goldens) {
    if (blind.includes(golden)) continue;
    const hashes = golden.hashes.map(literal).join(", ");
    yield* refuse(set.contract, table, { ...golden, hashes: `SELECT unnest([${hashes}])` });
  }
  return blind.map((golden) => ({
    check: "golden.apart",
    severity: "warn",
    owner: set.contract.spec.owner,
    expected: `no row of the golden set ${Golden.label(golden)} among those to train on`,
    found: `could not run: it tells rows apart by ${golden.identity.join(", ")}, not all of which the feature set "${set.spec.name}" keeps`,
    next: "Declare a key in the source contract and keep it in every feature set.",
  }));
});

/**
 * Fails with {@link GoldenRowsInTraining} if a row of a table to train on is in this golden set, registered
 * or not.
 *
 * @example
 * ```ts
 * import { GoldenSet, type Table } from "@ml-pipe/data";
 *
 * const check = (golden: GoldenSet.GoldenSet, rows: Table.AnyTable, train: Table.AnyTable) =>
 *   GoldenSet.requireNotIn(golden, rows, train);
 * ```
 */
export const requireNotIn = Effect.fnUntraced(function* (
  golden: GoldenSet,
  rows: Table.AnyTable,
  train: Table.AnyTable,
): Effect.fn.Return<
  void,
  GoldenRowsInTraining | DuckdbError | Table.ReadError,
  Duckdb | Artifact.ArtifactStore
> {
  const { contract } = golden.of;
  const identity = identityOf(contract);
  const hashes = `SELECT ${hexOf(contract, identity)} FROM ${yield* Table.relation(rows)}`;
  yield* refuse(contract, train, { ...golden, identity, hashes });
});

/** Fails if a table has rows whose hash is among those that a query gives. */
const refuse = Effect.fnUntraced(function* (
  contract: Contract.Contract,
  table: Table.AnyTable,
  golden: Pick<Golden.Golden, "name" | "version" | "identity"> & { readonly hashes: string },
) {
  const db = yield* Duckdb;
  const { identity } = golden;
  const rows = yield* Table.relation(table, { rowNumbers: true });
  const [found] = yield* db.rows(
    "look for golden rows in the training table",
    `SELECT count(*)::DOUBLE AS rows, min(file_row_number, 5) AS sample FROM ${rows}
     WHERE ${hexOf(contract, identity)} IN (${golden.hashes})`,
  );
  const count = Number(found?.["rows"] ?? 0);
  if (count === 0) return;
  const sample = Array.isArray(found?.["sample"]) ? found["sample"].map(Number) : [];
  const about = { golden: Golden.label(golden), table: Table.digestOf(table), identity };
  return yield* new GoldenRowsInTraining({ ...about, rows: count, sample });
});

/** The digests of the golden sets registered for a feature set's rows: what a training depends on beside its inputs. */
export const registeredDigests = (
  set: FeatureSet,
): Effect.Effect<ReadonlyArray<Digest.Digest>, Store.StoreError> =>
  Effect.map(registered(set), (goldens) => goldens.map(({ digest }) => digest));

const registered = (
  set: FeatureSet,
): Effect.Effect<ReadonlyArray<Golden.Golden>, Store.StoreError> =>
  Effect.flatMap(
    Effect.serviceOption(Store.Store),
    Option.match({
      onNone: () => Effect.succeed([]),
      onSome: ({ goldens }) => goldens.of(set.spec.source.name),
    }),
  );

/** What tells rows apart: their key, else all that is known at the decision. Never the label. */
const identityOf = ({ spec }: Contract.Contract): ReadonlyArray<string> =>
  spec.key ??
  Object.entries(spec.columns)
    .filter(([name, { availableAt }]) => availableAt === "decision" && name !== spec.label)
    .map(([name]) => name);

/** SQL: 64 bits of MD5 of the columns, in the contract's types, as 16 hexadecimal digits. */
const hexOf = ({ spec }: Contract.Contract, identity: ReadonlyArray<string>): string => {
  const text = identity.map((name) => {
    const type = TableSchema.canonicalType(spec.columns[name] ?? { type: "string" });
    return `coalesce(CAST(CAST(${identifier(name)} AS ${type}) AS VARCHAR), chr(1))`;
  });
  return `lpad(to_hex(md5_number_lower(concat_ws(chr(31), ${text.join(", ")}))), 16, '0')`;
};

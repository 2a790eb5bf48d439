/** Writes the file of a golden set: rows of a table, chosen by a condition, that people go on to agree on. */
import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Artifact, type Contract, type Digest } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Duckdb, type DuckdbError, identifier, literal } from "../Duckdb.ts";
import * as Expr from "../Expr.ts";
import type { FeatureSet } from "../FeatureSet.ts";
import * as Table from "../Table.ts";

/** There is a file already: what was agreed on is never overwritten. */
export class GoldenFileExists extends Schema.TaggedError<GoldenFileExists>()("GoldenFileExists", {
  path: Schema.String,
}) {
  override get message(): string {
    return `${this.path} is there already, and nothing was written. A golden set whose rows change has a new version and a file of its own: choose another name.`;
  }
}

/** See `GoldenSet.write`. */
export const writeGolden = Effect.fnUntraced(function* <Out extends Contract.Contract>(
  set: FeatureSet<Contract.Contract, Out>,
  table: Table.Table<Out>,
  options: {
    readonly path: string;
    readonly where?: ($: Expr.Columns<Out>) => Expr.Expr<boolean>;
  },
): Effect.fn.Return<
  { readonly rows: number; readonly digest: Digest.Digest },
  GoldenFileExists | DuckdbError | Table.ReadError | Artifact.ArtifactStoreError,
  Duckdb | Artifact.ArtifactStore
> {
  const file = path.resolve(options.path);
  if (existsSync(file)) return yield* new GoldenFileExists({ path: file });
  const db = yield* Duckdb;
  const columns = Object.keys(set.contract.columns).map(identifier).join(", ");
  const where =
    options.where === undefined
      ? ""
      : `WHERE ${Expr.sql(options.where(Expr.columns(set.contract)))}`;
  const rows = `SELECT ${columns} FROM ${yield* Table.relation(table)} ${where}`;
  const temporary = `${file}.${process.pid}.tmp`;
  const attempt = <A>(what: string, run: () => Promise<A>) => Artifact.attempt(what, file, run);
  yield* attempt("write", () => fs.mkdir(path.dirname(file), { recursive: true }));
  return yield* Effect.gen(function* () {
    yield* db.execute(
      "write the golden rows",
      `COPY (${rows}) TO ${literal(temporary)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    const [count] = yield* db.rows(
      "count the golden rows",
      `SELECT count(*)::DOUBLE AS n FROM ${Table.parquet(temporary)}`,
    );
    // Unlike a rename, a link fails if the name was taken meanwhile.
    yield* attempt("write", () => fs.link(temporary, file));
    const { digest } = yield* attempt("read", () => Artifact.digestFile(file));
    return { rows: Number(count?.["n"] ?? 0), digest };
  }).pipe(Effect.ensuring(Effect.promise(() => fs.rm(temporary, { force: true }))));
});

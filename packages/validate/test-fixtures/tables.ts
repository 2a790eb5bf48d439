/** What the tests of validation share: services, raw tables from SQL, and what a stage tells. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { Artifact, type Contract, type Exhibit, type Finding, Stage } from "@ml-pipe/core";
import { Duckdb, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";

/** DuckDB and a store in a temporary folder. */
export const services = (threads = 2) =>
  Layer.mergeAll(Duckdb.Duckdb.layer({ threads }), Artifact.ArtifactStore.layerTemporary);

/** An empty folder, removed with the scope. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-test-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
);

/** Writes the rows of a query as a Parquet file. */
export const writeParquet = Effect.fnUntraced(function* (file: string, query: string) {
  const db = yield* Duckdb.Duckdb;
  yield* db.execute("write", `COPY (${query}) TO ${Duckdb.literal(file)} (FORMAT parquet)`);
});

/** A file that is already there as a raw table. */
export const rawFile = Effect.fnUntraced(function* <C extends Contract.Contract>(
  contract: C,
  file: string,
  rows: number,
) {
  const content = yield* Effect.promise(() => Artifact.digestFile(file));
  const data = { _tag: "source", file: { path: file, ...content } } as const;
  return Table.make(contract, "raw", { rows, data, split: null });
});

/** The rows of a query as a raw table. */
export const rawOf = Effect.fnUntraced(function* <C extends Contract.Contract>(
  contract: C,
  query: string,
) {
  const folder = yield* temporaryFolder;
  const file = path.join(folder, "raw.parquet");
  yield* writeParquet(file, query);
  return yield* rawFile(contract, file, 0);
});

/** `SELECT` of literal rows under names, such as `("a BIGINT, b VARCHAR", "(1, 'x')")`. */
export const values = (columns: string, ...rows: ReadonlyArray<string>): string => {
  const named = columns.split(", ").map((column) => {
    const [name = "", ...type] = column.split(" ");
    return { name: Duckdb.identifier(name), type: type.join(" ") };
  });
  const casts = named.map(({ name, type }) => `CAST(${name} AS ${type}) AS ${name}`);
  const names = named.map(({ name }) => name).join(", ");
  return `SELECT ${casts.join(", ")} FROM (VALUES ${rows.join(", ")}) AS v(${names})`;
};

/** What a stage told while it ran. */
export interface Told {
  readonly findings: Array<Finding.Finding>;
  readonly exhibits: Array<Exhibit.Exhibit>;
}

/** Runs a stage and keeps what it tells. */
export const telling = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const told: Told = { findings: [], exhibits: [] };
  return Effect.map(
    Effect.result(
      Effect.provideService(effect, Stage.Reporter, (event) =>
        Effect.sync(() => {
          if (event._tag === "Finding") told.findings.push(event.finding);
          if (event._tag === "Exhibit") told.exhibits.push(event.exhibit);
        }),
      ),
    ),
    (result) => ({
      told,
      result,
      value: result._tag === "Success" ? result.success : undefined,
      error: result._tag === "Failure" ? result.failure : undefined,
    }),
  );
};

/** The outcome of each check, from the exhibit. */
export const outcomes = ({ exhibits }: Told): { readonly [check: string]: string } => {
  const checks = exhibits.find(({ title }) => title === "Checks");
  if (checks?._tag !== "table") return {};
  return Object.fromEntries(checks.rows.map(([name, , , outcome]) => [name, String(outcome)]));
};

/** All rows of a table. */
export const rowsOf = Effect.fnUntraced(function* (table: Table.AnyTable) {
  const db = yield* Duckdb.Duckdb;
  const relation = yield* Table.relation(table);
  return yield* db.rows("read", `SELECT * FROM ${relation}`);
});

/** Row numbers and reasons of the quarantined rows. */
export const reasonsOf = Effect.fnUntraced(function* (table: Table.AnyTable) {
  const rows = yield* rowsOf(table);
  return rows.map((row): readonly [row: number, reasons: unknown] => [
    Number(row["row"]),
    JSON.parse(String(row["reasons"])),
  ]);
});

/** What the tests of sources share: a folder, a contract, and a look at what was ingested. */
import { Artifact, Column, Contract, type Finding, Stage, Store } from "@ml-pipe/core";
import { Duckdb, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as Ingest from "./Ingest.ts";
import type { Source } from "./Source.ts";

export const Trip = Contract.make("trip", {
  version: "2.0.0",
  owner: "fleet",
  columns: {
    at: Column.timestamp({ nullable: true }),
    km: Column.float({ nullable: true }),
    seats: Column.int({ nullable: true }),
    late: Column.boolean({ nullable: true }),
    from: Column.string({ nullable: true }),
  },
});

export const services = Layer.mergeAll(
  Duckdb.Duckdb.layer({ threads: 2 }),
  Artifact.ArtifactStore.layerTemporary,
  Store.Store.layerMemory,
);

export const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-test-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
);

/** Writes files into a new folder; their paths. */
export const written = Effect.fnUntraced(function* (files: {
  readonly [name: string]: string | Uint8Array;
}) {
  const folder = yield* temporaryFolder;
  return Object.entries(files).map(([name, content]) => {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    return file;
  });
});

/** The rows of a table. */
export const rowsOf = Effect.fnUntraced(function* (table: Table.AnyTable) {
  const relation = yield* Table.relation(table);
  const db = yield* Duckdb.Duckdb;
  return yield* db.rows("look", `FROM ${relation}`);
});

/** Ingests a source, and looks at all that came of it. */
export const ingested = Effect.fnUntraced(function* <E>(
  source: Source<E>,
  options: Ingest.TableOptions & { readonly contract?: Contract.Contract } = {},
) {
  const { contract = Trip, ...rest } = options;
  const findings: Array<Finding.Finding> = [];
  const { table, quarantine } = yield* Ingest.table(contract, source, {
    quarantine: { atMost: 1 },
    ...rest,
  })
    .run({})
    .pipe(
      Effect.provideService(Stage.Reporter, (event) =>
        Effect.sync(() => event._tag === "Finding" && findings.push(event.finding)),
      ),
    );
  return { table, rows: yield* rowsOf(table), rejected: yield* rowsOf(quarantine), findings };
});

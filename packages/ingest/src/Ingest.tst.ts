import { Column, Contract, type Stage, type Store } from "@ml-pipe/core";
import type { Duckdb, Table } from "@ml-pipe/data";
import type * as Effect from "effect/Effect";
import { expectTypeOf, it } from "vitest";
import * as Ingest from "./Ingest.ts";
import * as Location from "./Location.ts";
import * as Source from "./Source.ts";

const Trip = Contract.make("trip", {
  version: "1.0.0",
  owner: "fleet",
  columns: { at: Column.timestamp(), km: Column.float() },
});
const Other = Contract.make("other", {
  version: "1.0.0",
  owner: "fleet",
  columns: { at: Column.timestamp() },
});

type ErrorOf<S extends { readonly run: (input: {}) => Effect.Effect<unknown, unknown, unknown> }> =
  Effect.Error<ReturnType<S["run"]>>;
type NeedsOf<S extends { readonly run: (input: {}) => Effect.Effect<unknown, unknown, unknown> }> =
  Effect.Services<ReturnType<S["run"]>>;

const local = Ingest.table(Trip, Source.csv("a.csv"));
const remote = Ingest.table(Trip, Source.csv(Location.http("https://example.org/a.csv")));
const grown = Ingest.incremental(Trip, Source.csv("a.csv"));

it("a stage fails with what its source can fail with, and no more", () => {
  expectTypeOf<Ingest.DownloadFailed>().not.toExtend<ErrorOf<typeof local>>();
  expectTypeOf<Ingest.DatabaseFailed>().not.toExtend<ErrorOf<typeof local>>();
  expectTypeOf<Ingest.RecordsRejected>().toExtend<ErrorOf<typeof local>>();
  expectTypeOf<Ingest.SourceMissing>().toExtend<ErrorOf<typeof local>>();
  expectTypeOf<Ingest.DownloadFailed>().toExtend<ErrorOf<typeof remote>>();
});

it("only what goes on from an earlier run needs the store of runs", () => {
  expectTypeOf<Store.Store>().not.toExtend<NeedsOf<typeof local>>();
  expectTypeOf<Store.Store>().toExtend<NeedsOf<typeof grown>>();
  expectTypeOf<Duckdb.Duckdb>().toExtend<NeedsOf<typeof local>>();
});

it("a table is raw, under its contract", () => {
  expectTypeOf<Stage.Value<Stage.Ports<Ingest.Ingested<typeof Trip>>>["table"]>().toEqualTypeOf<
    Table.Table<typeof Trip, "raw">
  >();
  const wrong = (table: Table.Table<typeof Other, "raw">) => table;
  // @ts-expect-error is not assignable to parameter of type
  void ((made: Ingest.Ingested<typeof Trip>) => wrong(made.table));
});

it("a watermark is a column of the contract", () => {
  Ingest.incremental(Trip, Source.csv("a.csv"), { watermark: { column: "at", overlap: "1 hour" } });
  Ingest.incremental(Trip, Source.csv("a.csv"), {
    // @ts-expect-error is not assignable to type '"at" | "km"'
    watermark: { column: "until", overlap: "1 hour" },
  });
});

it("a database names a table or a query, not both and not none", () => {
  Source.sqlite("a.sqlite", { table: "trips" });
  // @ts-expect-error is not assignable to parameter of type 'SqliteOptions'
  Source.sqlite("a.sqlite", { table: "trips", query: "SELECT 1" });
  // @ts-expect-error is not assignable to parameter of type 'SqliteOptions'
  Source.sqlite("a.sqlite", {});
});

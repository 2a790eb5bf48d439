import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { assert, it } from "@effect/vitest";
import {
  Artifact,
  Column,
  Contract,
  Duckdb,
  FeatureSet,
  Parity,
  Stage,
  Store,
} from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { historyOfFile, historyOfRuns, servedTable } from "./parityInputs.ts";

const Trip = Contract.make("trip", {
  version: "1",
  owner: "fleet",
  eventTime: "at",
  freshness: "1 day",
  columns: { at: Column.timestamp(), km: Column.int() },
});

it.live("rows of a file are as fresh as they have to be for what is computed of them", () =>
  Effect.gen(function* () {
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-history-")), "trips.csv");
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => fs.rmSync(path.dirname(file), { recursive: true, force: true })),
    );
    fs.writeFileSync(file, "at,km\n2001-05-31T10:00:00Z,3\n");
    const { rows } = yield* historyOfFile(Trip, file, new Date("2001-06-01T00:00:00Z"));
    assert.strictEqual(rows, 1);
    const error = yield* Effect.flip(historyOfFile(Trip, file, new Date("2001-07-01T00:00:00Z")));
    assert.include(String(error), "freshness");
  }).pipe(
    Effect.provideService(Stage.Reporter, () => Effect.void),
    Effect.provide(
      Layer.mergeAll(Duckdb.Duckdb.layer({ threads: 1 }), Artifact.ArtifactStore.layerTemporary),
    ),
  ),
);

it.live("says which rows no run has, and what names a file instead", () =>
  Effect.gen(function* () {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-runs-"));
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
    );
    yield* Store.Store.use(() => Effect.void).pipe(Effect.provide(Store.Store.layer(folder)));
    const error = yield* Effect.flip(historyOfRuns(Trip, folder, "--lookup trips=FILE"));
    assert.include(
      String(error),
      'under the contract "trip" 1, as the release knows it, whose file is still there. Name the rows with --lookup trips=FILE, or',
    );
  }),
);

it.live("recorded lists, structs and vectors are compared, and what is none is set aside", () =>
  Effect.gen(function* () {
    const Product = Contract.make("product", {
      version: "1",
      owner: "shop",
      columns: {
        tags: Column.list(Column.string()),
        maker: Column.struct({ city: Column.string(), since: Column.timestamp() }),
        vector: Column.embedding(2),
        sold: Column.boolean({ availableAt: "outcome" }),
      },
    });
    const Products = FeatureSet.make("products", {
      version: "1",
      of: Product,
      label: ($) => $.sold,
      features: ($) => ({
        tags: $.tags.length(),
        year: $.maker.since.year(),
        norm: $.vector.norm(),
      }),
    });
    const set = FeatureSet.fromSpec(Products.spec);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-served-"));
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
    );
    const request = (tags: number) => ({
      tags: Array.from({ length: tags }, (_, index) => `t${index}`),
      maker: { city: "Ulm", since: new Date("2001-06-01T10:00:00Z") },
      vector: [3, tags],
    });
    const lines = Array.from({ length: 150 }, (_, index) => {
      const tags = index % 20;
      const { tags: length, year, norm } = Products.row(request(tags));
      const served = { served_tags: length, served_year: year, served_norm: norm };
      return JSON.stringify({ ...request(tags), ...served });
    });
    const file = path.join(folder, "served.ndjson");
    fs.writeFileSync(file, [...lines, lines[0]?.replace("[3,0]", "[3]")].join("\n"));
    const { served, setAside } = yield* servedTable(set, file);
    assert.deepStrictEqual([served.rows, setAside], [150, 1]);
    const past = path.join(folder, "products.ndjson");
    fs.writeFileSync(past, JSON.stringify({ ...request(1), sold: true }));
    const history = yield* historyOfFile(set.source, past, undefined);
    const report = yield* Parity.stage(set).run({ served, history });
    assert.strictEqual(report.evidence.outcome, "passed", report.evidence.found);
  }).pipe(
    Effect.provideService(Stage.Reporter, () => Effect.void),
    Effect.provide(
      Layer.mergeAll(Duckdb.Duckdb.layer({ threads: 1 }), Artifact.ArtifactStore.layerTemporary),
    ),
  ),
);

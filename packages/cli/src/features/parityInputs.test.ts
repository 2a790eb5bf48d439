import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { assert, it } from "@effect/vitest";
import { Artifact, Column, Contract, Duckdb, Stage } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { historyOfFile } from "./parityInputs.ts";

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

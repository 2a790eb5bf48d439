import { assert, describe, it } from "@effect/vitest";
import { Charter, Column, Contract, Pipeline } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as Ingest from "./Ingest.ts";

const Trip = Contract.make("trip", {
  version: "1.0.0",
  owner: "fleet",
  columns: { seats: Column.int() },
});

const charter = Charter.make({
  title: "Count seats",
  decision: { question: "enough?", madeAt: "noon", actor: "desk", outcomeKnownAfter: "1 day" },
  metric: {
    name: "expected cost",
    unit: "coins per trip",
    costs: { truePositive: 0, falsePositive: 1, falseNegative: 2, trueNegative: 0 },
  },
  baseline: { name: "never", description: "it is never enough", rule: false },
  smallestGain: 0.1,
  surface: "a desk",
  kill: { on: "2037-06-30", criterion: "no gain in a month" },
  owner: "fleet",
});

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-test-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
);

/** What the stage says that it reads: part of its cache key. */
const readsOf = (file: string) => {
  const ingest = Ingest.parquet(Trip, { path: file });
  const { nodes } = Pipeline.make("count", { charter }, () => ({ data: ingest() }));
  return Effect.forEach(nodes, ({ fingerprint }) =>
    Effect.isEffect(fingerprint) ? fingerprint : fingerprint({}),
  );
};

describe("what Ingest.parquet says that it reads", () => {
  it.effect("changes with the bytes of the file, also at the same size and time", () =>
    Effect.gen(function* () {
      const file = path.join(yield* temporaryFolder, "trips.parquet");
      const db = yield* Duckdb.Duckdb;
      const seats = (count: number) =>
        db.execute(
          "write",
          `COPY (SELECT ${count}::BIGINT AS seats) TO ${Duckdb.literal(file)} (FORMAT parquet)`,
        );
      yield* seats(3);
      const { atime, mtime, size } = fs.statSync(file);
      const before = yield* readsOf(file);
      const later = new Date(mtime.getTime() + 60_000);
      fs.utimesSync(file, later, later);
      assert.deepStrictEqual(yield* readsOf(file), before);

      yield* seats(4);
      fs.utimesSync(file, atime, mtime);
      const now = fs.statSync(file);
      assert.deepStrictEqual([now.size, now.mtimeMs], [size, mtime.getTime()]);
      assert.notDeepEqual(yield* readsOf(file), before);
    }).pipe(Effect.provide(Duckdb.Duckdb.layer({ threads: 1 }))),
  );
});

import { assert, it } from "@effect/vitest";
import { Duckdb } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as Ingest from "./Ingest.ts";

const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-test-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
);

it.effect("counts the rows of a Parquet file, and says why it cannot", () =>
  Effect.gen(function* () {
    const file = path.join(yield* temporaryFolder, "trips.parquet");
    const db = yield* Duckdb.Duckdb;
    const count = Ingest.rowCount({ path: file });
    assert.strictEqual((yield* Effect.flip(count))._tag, "SourceMissing");
    const write = (rows: number) =>
      db.execute("write", `COPY (FROM range(${rows})) TO ${Duckdb.literal(file)} (FORMAT parquet)`);
    yield* write(0);
    assert.strictEqual(yield* count, 0);
    yield* write(12_345);
    assert.strictEqual(yield* count, 12_345);
    fs.writeFileSync(file, "not parquet");
    assert.strictEqual((yield* Effect.flip(count))._tag, "WrongFormat");
  }).pipe(Effect.provide(Duckdb.Duckdb.layer({ threads: 1 }))),
);

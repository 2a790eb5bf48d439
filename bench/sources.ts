/**
 * A million records of text under a contract, against DuckDB's own readers told the same types: those
 * guess nothing either, but stop at the first bad record, or lose it. In turns, in one process.
 *
 *     npx node --conditions=@ml-pipe/source bench/sources.ts [records]
 */
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Artifact, Column, Contract } from "@ml-pipe/core";
import { Duckdb } from "@ml-pipe/data";
import { Ingest, Source } from "@ml-pipe/ingest";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";

const records = Number(process.argv[2] ?? 1_000_000);
const rounds = 5;

const Flight = Contract.make("flight", {
  version: "1.0.0",
  owner: "flight-operations",
  columns: {
    at: Column.timestamp(),
    delay: Column.int(),
    distance: Column.float(),
    origin: Column.string(),
    destination: Column.string(),
  },
});
const types = `{'at': 'TIMESTAMP', delay: 'BIGINT', distance: 'DOUBLE', origin: 'VARCHAR', destination: 'VARCHAR'}`;

const folder = mkdtempSync(join(tmpdir(), "ml-pipe-bench-"));
const csv = join(folder, "flights.csv");
const ndjson = join(folder, "flights.ndjson");

const row = (n: number) => ({
  at: new Date(978_307_200_000 + n * 60_000).toISOString().slice(0, 19),
  delay: (n % 200) - 60,
  distance: (n % 2000) + 0.5,
  origin: "ABC",
  destination: "DEF",
});
const lines = function* (line: (n: number) => string) {
  for (let n = 0; n < records; n++) yield `${line(n)}\n`;
};
const write = (file: string, all: Iterable<string>) =>
  pipeline(Readable.from(all, { objectMode: true }), createWriteStream(file));

const timings = new Map<string, Array<number>>();
const timed = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const begun = performance.now();
    const note = Effect.sync(() => {
      timings.set(name, [...(timings.get(name) ?? []), performance.now() - begun]);
    });
    return Effect.tap(effect, () => note);
  });

const byHand = (relation: string) =>
  Duckdb.Duckdb.use((db) =>
    db.execute(
      "read by hand",
      `COPY (FROM ${relation}) TO ${Duckdb.literal(join(folder, "by-hand.parquet"))} (FORMAT parquet, COMPRESSION zstd)`,
    ),
  );

const program = Effect.gen(function* () {
  for (let round = 0; round < rounds; round++) {
    yield* timed("CSV", Ingest.table(Flight, Source.csv(csv)).run({}));
    yield* timed(
      "CSV by hand",
      byHand(
        `read_csv(${Duckdb.literal(csv)}, header = true, auto_detect = false, columns = ${types})`,
      ),
    );
    yield* timed("NDJSON", Ingest.table(Flight, Source.json(ndjson)).run({}));
    yield* timed(
      "NDJSON by hand",
      byHand(
        `read_json(${Duckdb.literal(ndjson)}, format = 'newline_delimited', columns = ${types})`,
      ),
    );
  }
}).pipe(
  Effect.provide(Layer.mergeAll(Duckdb.Duckdb.layer(), Artifact.ArtifactStore.layerTemporary)),
);

const median = (name: string): number => {
  const sorted = (timings.get(name) ?? []).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};

try {
  const header = ["at,delay,distance,origin,destination\n"];
  await write(csv, [...header, ...lines((n) => Object.values(row(n)).join(","))]);
  await write(
    ndjson,
    lines((n) => JSON.stringify(row(n))),
  );
  await Effect.runPromise(program);
  for (const name of ["CSV", "NDJSON"]) {
    const [ours, theirs] = [median(name), median(`${name} by hand`)];
    console.log(
      `${name}, ${records} records: ${Math.round(ours)} ms, ${(ours / theirs).toFixed(2)}x of DuckDB by hand (${Math.round(theirs)} ms)`,
    );
  }
  console.log(`peak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

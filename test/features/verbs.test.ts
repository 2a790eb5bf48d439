import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Artifact } from "@ml-pipe/core";
import { Duckdb, FeatureStore } from "@ml-pipe/data";
import { Predictor, Recording, Registry } from "@ml-pipe/deploy";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { afterAll, assert, beforeAll, it } from "vitest";
import { candidate } from "../../packages/deploy/test-fixtures/trips.ts";
import * as rain from "../../packages/deploy/test-fixtures/rain.ts";
import { mlPipe, remove, workspace } from "../cli/support.ts";

const cwd = workspace("features");
afterAll(() => remove(cwd));
const features = (...args: ReadonlyArray<string>) =>
  mlPipe(["features", ...args, "--state", "state"], { cwd });
const parity = (served: string, ...more: ReadonlyArray<string>) =>
  features("parity", "trip-delay", served, "--history", "trips.csv", ...more);

/** An instant of the night in which the release was made. */
const at = (hour: number, minute: number) =>
  new Date(Date.UTC(2001, 4, 31, hour, minute)).toISOString();
const requests = Array.from({ length: 12 }, (_, index) => ({
  at: at(24, index),
  km: 100 + index,
  from: index % 2 === 0 ? "AAA" : "BBB",
  rain: index % 3 === 0 ? null : true,
}));

/** The trips that the release has its histories of: of AAA, 1 of 4 late, then 3 of 4. */
const trip = (hour: number, km: number, late: boolean) =>
  `${at(hour, 5)},${km},AAA,true,${late ? 30 : 0}`;
const trips = [
  "at,km,from,rain,delay",
  ...[1, 2, 3, 4].map((km) => trip(21, km, km === 1)),
  ...[1, 2, 3, 4].map((km) => trip(23, km, km > 1)),
  "",
];

beforeAll(async () => {
  await Effect.runPromise(
    Effect.gen(function* () {
      const release = yield* candidate();
      yield* Registry.Registry.use(({ publish }) => publish(release));
      const predictor = yield* Predictor.load(
        yield* Registry.Registry.use(({ get }) => get("trip-delay")),
      );
      const { predict } = yield* Recording.record(predictor, { file: join(cwd, "served.ndjson") });
      yield* Effect.forEach(requests, predict);
    }).pipe(
      Effect.scoped,
      Effect.provide(Registry.Registry.layer(join(cwd, "state"))),
      Effect.provide(Artifact.ArtifactStore.layer(join(cwd, "state"))),
    ),
  );
  writeFileSync(join(cwd, "trips.csv"), trips.join("\n"));
  writeFileSync(join(cwd, "reports.csv"), reports.join("\n"));
});

/** Of AAA: 2 mm, then 5 mm in fog, then 9 mm, which nobody knew at midnight. */
const reports = [
  "place,measuredAt,loadedAt,millimetres,sky",
  "AAA,2001-05-31T20:00:00Z,2001-05-31T20:05:00Z,2,clear",
  "AAA,2001-05-31T22:30:00Z,2001-05-31T23:10:00Z,5,fog",
  "AAA,2001-05-31T23:00:00Z,2001-06-01T00:20:00Z,9,clear",
  "",
];

it("parity passes what was served as the batch computes it, and fails what was not", async () => {
  const equal = await parity("served.ndjson");
  assert.strictEqual(equal.code, 0, equal.err + equal.out);
  assert.match(equal.out, /✓ trip-delay@1 {2}trip-features {2}12 requests/);
  assert.match(equal.out, /passed: 12 requests, all equal/);

  const lines = readFileSync(join(cwd, "served.ndjson"), "utf8").trimEnd().split("\n");
  const skewed = lines.map((line, index) =>
    index === 4 ? line.replace(/"served_km":\d+/, '"served_km":7') : line,
  );
  writeFileSync(join(cwd, "skewed.ndjson"), `${skewed.join("\n")}\n{"at":"2001-0`);
  const different = await parity("skewed.ndjson", "--json");
  assert.strictEqual(different.code, 3);
  const report = JSON.parse(different.out);
  assert.strictEqual(report.evidence.outcome, "failed");
  assert.strictEqual(report.features[0].mismatch, 1);
  assert.strictEqual(report.setAside, 1);
  assert.deepInclude(report.differences[0], { feature: "km", served: 7, batch: 104 });

  const accepted = await parity("skewed.ndjson", "--accept", "km=0.1:a known bug of old clients");
  assert.match(accepted.out, /10 %: a known bug of old clients/);
  assert.notMatch(accepted.out, /failed/);
});

it("parity says what it cannot read, and what to type", async () => {
  const nothing = await features("parity", "trip-delay", "served.ndjson");
  assert.strictEqual(nothing.code, 2);
  assert.match(nothing.err, /--history FILE|no runs are recorded/);
  const wrong = await parity("served.ndjson", "--accept", "speed=0.1:none");
  assert.strictEqual(wrong.code, 2);
  assert.match(wrong.err, /there is no feature "speed" to accept/);
});

it("materialise brings the feature store up to what a release needs, and writes nothing twice", async () => {
  const materialise = (until: string) =>
    features("materialise", "trip-delay", "--until", until, "--history", "trips.csv", "--json");
  const first = await materialise("2001-06-01");
  assert.strictEqual(first.code, 0, first.err);
  const [series] = JSON.parse(first.out).series;
  assert.deepStrictEqual([series.features, series.hopsWritten], [["lateLately"], 2]);
  assert.strictEqual(series.knownUntil, "2001-06-01T00:00:00.000Z");
  const again = JSON.parse((await materialise("2001-06-01")).out).series[0];
  assert.deepStrictEqual([again.hopsWritten, again.hopsKept], [0, 2]);
  const pruned = await features("prune", "--idle-days", "0");
  assert.match(pruned.out, /0 series dropped from state.features\.sqlite, 1 series kept/);
  const wrong = await materialise("June");
  assert.strictEqual(wrong.code, 2);
  assert.match(wrong.err, /NotMaterialised: materialise: "June" is not a date/);
});

it("parity and materialise take the tables that features look up in", async () => {
  await Effect.runPromise(
    Effect.gen(function* () {
      const inputs = { ...(yield* rain.passed), history: yield* rain.trips };
      const release = yield* rain.stage.run({ ...inputs, report: yield* rain.reports });
      const predictor = yield* Predictor.load(release);
      const { predict } = yield* Recording.record(predictor, { file: join(cwd, "rain.ndjson") });
      yield* predict({ at: "2001-06-01T00:30:00Z", from: "AAA" });
    }).pipe(
      Effect.scoped,
      Effect.provide(Registry.Registry.layer(join(cwd, "state"))),
      Effect.provide(Artifact.ArtifactStore.layer(join(cwd, "state"))),
      Effect.provide(Duckdb.Duckdb.layer({ threads: 1 })),
    ),
  );
  // The trips that the release knew.
  writeFileSync(
    join(cwd, "rain-trips.csv"),
    "at,km,from,rain,delay\n2001-05-31T10:00:00Z,100,AAA,,30\n2001-05-31T11:00:00Z,100,AAA,,0\n",
  );
  const tables = ["--history", "rain-trips.csv", "--lookup", "report=reports.csv"];
  const equal = await features("parity", "rain-delay", "rain.ndjson", ...tables);
  assert.strictEqual(equal.code, 0, equal.err + equal.out);
  assert.match(equal.out, /passed: 1 request, all equal/);
  // A report that was corrected without saying so: what was served is not what the batch sees.
  writeFileSync(join(cwd, "edited.csv"), reports.join("\n").replace(",5,fog", ",6,fog"));
  const edited = await features(
    "parity",
    "rain-delay",
    "rain.ndjson",
    ...tables.slice(0, 3),
    "report=edited.csv",
  );
  assert.strictEqual(edited.code, 3);
  assert.match(edited.out, /millimetres: 1 other values/);

  const until = ["--until", "2001-06-01T01:00:00Z", "--json"];
  const done = await features("materialise", "rain-delay", ...until, ...tables);
  assert.strictEqual(done.code, 0, done.err);
  assert.deepStrictEqual(
    JSON.parse(done.out).series.map((one: { features: unknown }) => one.features),
    [["lateLately"], ["millimetres", "fog"]],
  );
  const fresh = await Effect.runPromise(
    Predictor.openWithStore(join(cwd, "state"), "rain-delay").pipe(
      Effect.flatMap(({ answer }) => answer([{ at: "2001-06-01T01:10:00Z", from: "AAA" }])),
      Effect.scoped,
      Effect.provide(FeatureStore.FeatureStore.layer(join(cwd, "state"))),
    ),
  );
  // The report of 23:00 is known by now.
  assert.deepStrictEqual(
    fresh.map((one) => [...Result.getOrThrow(one).features]),
    [[9, 0, 0.5]],
  );

  const given = (...files: ReadonlyArray<string>) =>
    features("materialise", "rain-delay", ...until, ...files.flatMap((one) => ["--lookup", one]));
  const [unknown, twice] = await Promise.all([
    given("toString=x.csv"),
    given("report=x.csv", "report=y.csv"),
  ]);
  assert.strictEqual(unknown.code, 2);
  assert.match(unknown.err, /names no lookup of the feature set. Write NAME=FILE, for report/);
  assert.strictEqual(twice.code, 2);
  assert.match(twice.err, /--lookup report is given twice/);
});

it("check stops an edit of what is served, and lets a new version pass", async () => {
  const write = (version: string, km: string) =>
    writeFileSync(
      join(cwd, "sets.ts"),
      `import { Column, Contract, FeatureSet } from "@ml-pipe/ml-pipe";
const Trip = Contract.make("trip", {
  version: "1.0.0", owner: "dispatch", eventTime: "at",
  columns: { at: Column.timestamp(), km: Column.int({ unit: "km" }), delay: Column.int({ unit: "min", availableAt: "outcome" }) },
});
export const TripFeatures = FeatureSet.make("trip-features", {
  version: "${version}", of: Trip, decidedAt: "at",
  features: ($) => ({ km: ${km}, hour: $.at.hourOfDay() }), label: ($) => $.delay.gt(15),
});
`,
    );
  write("1.0.0", "$.km");
  assert.strictEqual((await features("check", "sets.ts")).code, 0);
  write("1.0.0", "$.km.times(2)");
  const edited = await features("check", "sets.ts");
  assert.strictEqual(edited.code, 3);
  assert.match(edited.out, /trip-delay@1 serves "trip-features" 1\.0\.0/);
  assert.match(edited.out, /is {2}multiply\(km, 2\)/);
  write("2.0.0", "$.km.times(2)");
  assert.strictEqual((await features("check", "sets.ts")).code, 0);
  writeFileSync(join(cwd, "none.ts"), "export const a = 1;\n");
  const none = await features("check", "none.ts");
  assert.strictEqual(none.code, 2);
  assert.match(none.err, /it has no feature set/);
});

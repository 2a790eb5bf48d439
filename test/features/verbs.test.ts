import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Artifact } from "@ml-pipe/core";
import { Predictor, Recording, Registry } from "@ml-pipe/deploy";
import * as Effect from "effect/Effect";
import { afterAll, assert, beforeAll, it } from "vitest";
import { candidate } from "../../packages/deploy/test-fixtures/trips.ts";
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
});

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
  assert.strictEqual(wrong.code, 1);
  assert.match(wrong.err, /materialise: "June" is not a date/);
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

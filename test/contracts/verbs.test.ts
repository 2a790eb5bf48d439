import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Artifact } from "@ml-pipe/core";
import { Registry } from "@ml-pipe/deploy";
import * as Effect from "effect/Effect";
import { afterAll, assert, it } from "vitest";
import { candidate } from "../../packages/deploy/test-fixtures/trips.ts";
import { mlPipe, remove, workspace } from "../cli/support.ts";
import { root } from "../support/repository.ts";

const cwd = workspace("contracts");
afterAll(() => remove(cwd));
const mlPipeIn = (...args: ReadonlyArray<string>) => mlPipe(args, { cwd });

it("contracts are held against the releases that serve, also where there is no registry", async () => {
  const trips = (kilometres: string) =>
    writeFileSync(
      join(cwd, "trips.ts"),
      `import { Column, Contract } from "@ml-pipe/ml-pipe";
export const Trip = Contract.make("trip", {
  version: "1.0.0",
  owner: "dispatch",
  columns: {
    at: Column.timestamp(),
    ${kilometres}: Column.int({ unit: "km", min: 1, max: 5000 }),
    from: Column.string({ pattern: "[A-Z]{3}" }),
    rain: Column.boolean({ nullable: true }),
  },
});
`,
    );
  await Effect.runPromise(
    Effect.flatMap(candidate(), (release) =>
      Registry.Registry.use((registry) => registry.publish({ ...release, owner: "care" })),
    ).pipe(
      Effect.provide(Registry.Registry.layer(join(cwd, "state"))),
      Effect.provide(Artifact.ArtifactStore.layer(join(cwd, "state"))),
    ),
  );
  trips("km");
  const locked = await mlPipeIn("contracts", "lock", "trips.ts", "--state", "state");
  assert.strictEqual(locked.code, 0, locked.err);
  trips("distance");
  for (const state of ["state", "nowhere"]) {
    const { code, out } = await mlPipeIn("contracts", "check", "trips.ts", "--state", state);
    assert.strictEqual(code, 3);
    assert.match(out, /release trip-delay@1\n +breaks consumers {2}"km" is gone/);
    assert.match(out, /waits for care/);
  }
});

it("a draft compiles and takes its own file; a run says what is not as locked", async () => {
  const rows = Array.from({ length: 200 }, (_, i) =>
    [i + 1, `2026-01-${(i % 20) + 10} 10:00:00`, `AB-${100 + i}`, i / 4, i % 3 === 0].join(),
  );
  writeFileSync(
    join(cwd, "bookings.csv"),
    ["id,bookedAt,flight,price,cancelled", ...rows].join("\n"),
  );
  const drafted = await mlPipeIn("contracts", "infer", "bookings.csv", "--out", "bookings.ts");
  assert.strictEqual(drafted.code, 0, drafted.err);
  const tiny = readFileSync(join(root, "test/cli/fixtures/tiny/pipeline.ts"), "utf8");
  const [, charter = ""] = /(const charter = [^]*?\n}\);)/.exec(tiny) ?? [];
  writeFileSync(
    join(cwd, "own.ts"),
    `import { Charter, Ingest, Pipeline, Source, Validate } from "@ml-pipe/ml-pipe";
import { Bookings } from "./bookings.ts";
${charter}
const ingest = Ingest.table(Bookings, Source.csv("bookings.csv"));
const validate = Validate.table(Bookings, { quarantine: { atMost: 0 } });
export default Pipeline.make("own", { charter }, () => ({
  checked: validate({ data: ingest().table }).checked,
}));
`,
  );
  const run = await mlPipeIn("run", "own.ts", "--state", "own");
  assert.strictEqual(run.code, 0, run.out + run.err);
  assert.match(run.out, /types of \d+ files? checked/);
  assert.match(run.out, /✓ validate {2}succeeded/);
  assert.strictEqual((await mlPipeIn("contracts", "lock", "own.ts")).code, 0);
  const contract = readFileSync(join(cwd, "bookings.ts"), "utf8");
  writeFileSync(join(cwd, "bookings.ts"), contract.replace("minRows: 100", "minRows: 50"));
  const { code, err } = await mlPipeIn("run", "own.ts", "--state", "own", "--no-types");
  assert.strictEqual(code, 0, err);
  assert.match(
    err,
    /! the contract bookings is not as in contracts\.lock\.json: ml-pipe contracts diff own\.ts/,
  );
});

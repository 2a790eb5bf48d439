import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { Provenance, Retention, Run, RunDifference, RunDump } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { afterAll, assert, beforeAll, describe, it } from "vitest";
import { LineageJson } from "../../packages/cli/src/view/lineage.ts";
import { ListedRun } from "../../packages/cli/src/view/runs.ts";
import { mlPipe, remove, start, variant, workspace } from "./support.ts";

const cwd = workspace("past");
afterAll(() => remove(cwd));

const decoder = <T>(schema: Schema.ConstraintCodec<T, unknown>) =>
  Schema.decodeUnknownSync(Schema.fromJsonString(Schema.toCodecJson(schema)));
const decodeRun = decoder(Run.Run);

const call = (...args: ReadonlyArray<string>) => mlPipe(args, { cwd });
/** A verb that must succeed. */
const read = async (...args: ReadonlyArray<string>) => {
  const { code, out, err } = await call(...args);
  assert.strictEqual(code, 0, err);
  return out;
};

let first: Run.Run;
let second: Run.Run;

beforeAll(async () => {
  await read("init", ".");
  await read("run", "pipeline.ts", "--no-types");
  first = decodeRun(await read("status", "--json"));
  const text = readFileSync(join(cwd, "pipeline.ts"), "utf8");
  const looks = `holdout: { looks: 2, justification: "fewer trees, to compare" }`;
  const changed = text
    .replace("maxTrees: 60", "maxTrees: 3")
    .replace(/(?<=Evaluate\.decisions\(.*)(?= \}\);)/, `, ${looks}`);
  writeFileSync(join(cwd, "pipeline.ts"), changed);
  // Too few trees: the gate stops it, and nothing is released.
  assert.strictEqual((await call("run", "pipeline.ts", "--no-types")).code, 3);
  second = decodeRun(await read("status", "--json"));
});

/** The state folder as it was when the test began, under another name. */
const copied = async (name: string, body: (folder: string) => Promise<void>) => {
  const folder = join(cwd, name);
  cpSync(join(cwd, ".ml-pipe"), folder, { recursive: true });
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const artifactPath = (folder: string, digest: string) =>
  join(folder, "artifacts", digest.slice(7, 9), digest.slice(7));

const modelOf = (run: Run.Run) =>
  Schema.decodeUnknownSync(Schema.Struct({ document: Schema.Struct({ digest: Schema.String }) }))(
    Run.outputsOf(run, "train")?.[""],
  ).document.digest;

describe("lineage", () => {
  const decode = decoder(LineageJson);

  it("leads from a release up to the source file", async () => {
    const out = await read("lineage", "late-delivery@1", "--up");
    assert.match(out, /^deploy {2}run \S+ {2}late-delivery@1/);
    assert.match(out, /model ← train {2}sha256-/);
    assert.match(out, /data ← ingest .*data\/deliveries\.parquet sha256-/);
    const { up, down } = decode(await read("lineage", "late-delivery@1", "--up", "--json"));
    assert.isUndefined(down);
    const sources = up?.values.flatMap(({ files }) => files.flatMap(({ path }) => path ?? []));
    assert.deepStrictEqual(sources, [join(cwd, "data/deliveries.parquet")]);
  });

  it("leads down to releases and reports, from a file, a digest and a stage", async () => {
    const digest = modelOf(first);
    const file = artifactPath(".ml-pipe", digest);
    for (const name of [file, digest, digest.slice(7, 20), `${first.id}/train`]) {
      const { down } = decode(await read("lineage", name, "--down", "--json"));
      assert.deepStrictEqual(
        down?.values.flatMap(({ release }) => release ?? []),
        ["late-delivery@1"],
      );
      assert.isTrue(down?.stages.every(({ report = "" }) => report.endsWith(`${first.id}.html`)));
    }
  });

  it("shows both ways, and that other runs reused an output", async () => {
    const out = await read("lineage", `${second.id}/split.train`);
    assert.match(out, /^Made from\nsplit\.train/);
    assert.match(out, /^Used by\nsplit\.train/m);
    assert.match(out, /→ train \(train\) /);
    const ingest = await read("lineage", `${second.id}/ingest`, "--up");
    assert.include(ingest, first.id);
    assert.match(ingest, /reused by 1 run/);
  });

  it("says what may be named if nothing is found", async () => {
    const missing = await call("lineage", "sha256-00000");
    assert.strictEqual(missing.code, 2);
    assert.match(missing.err, /nothing recorded is "sha256-00000".*RUN\/STAGE/);
    const stage = await call("lineage", `${first.id}/trian`);
    assert.strictEqual(stage.code, 2);
    assert.match(stage.err, /may be .*\/train or/);
  });
});

describe("diff", () => {
  it("compares the newest run with the one before it", async () => {
    const out = await read("diff");
    assert.include(out, `${first.id} → ${second.id}`);
    assert.match(out, /^train\n(?: {2}.*\n)*? {2}parameter maxTrees: 60 → 3$/m);
    assert.match(out, /^ {2}output verdict › evidence › beats the baseline › found: .* → /m);
    // Which model is better, first: on the same test rows, paired.
    assert.match(
      out,
      /^Models\n {2}.*(?:is better|inconclusive).* interval .*\n {2}.* → .*paired on the same/m,
    );
    assert.include(out, "no new look at the test rows: both are in the holdout ledger");
    const difference = decoder(RunDifference.RunDifference)(await read("diff", "--json"));
    const changed = difference.stages.filter((stage) => !RunDifference.isSame(stage));
    assert.notInclude(
      changed.map(({ stage }) => stage),
      "ingest",
    );
  });

  it("says that nothing differs", async () => {
    assert.include(await read("diff", first.id, first.id), "nothing differs but times");
  });

  it("asks for another run where there is none before", async () => {
    const { code, err } = await call("diff", first.id);
    assert.strictEqual(code, 2);
    assert.match(err, /is the first of late-delivery .*ml-pipe diff RUN RUN/);
    const unknown = await call("diff", first.id, "1999");
    assert.strictEqual(unknown.code, 2);
    assert.match(unknown.err, /no run "1999"/);
    const several = await call("status", "20");
    assert.strictEqual(several.code, 2);
    assert.match(several.err, /"20" is the beginning of several runs: \d+.*Type more/);
  });
});

describe("dump", () => {
  const decode = decoder(RunDump.RunDump);

  it("is everything recorded, by its schema", async () => {
    const dump = decode(await read("dump", first.id));
    assert.deepStrictEqual(dump.run, first);
    assert.isAbove(dump.lineage.stages.length, 5);
    assert.isArray(dump.log);
  });

  it("goes to a file, or says why not", async () => {
    assert.strictEqual(await read("dump", "--out", "run.json"), "");
    assert.strictEqual(decode(readFileSync(join(cwd, "run.json"), "utf8")).run.id, second.id);
    const { code, err } = await call("dump", "--out", "no/such/folder.json");
    assert.strictEqual(code, 1);
    assert.match(err, /cannot write no\/such\/folder\.json \(ENOENT\)/);
  });

  it("tells no variable of the environment", async () => {
    const { out } = await mlPipe(["dump"], { cwd, env: { MY_TOKEN: "s3cret-token" } });
    assert.notInclude(out, "s3cret-token");
  });
});

describe("why", () => {
  const decode = decoder(Provenance.Provenance);

  it("leads from the release to the source file, every link verified", async () => {
    const out = await read("why", "late-delivery@1");
    const links = decode(await read("why", "late-delivery@1", "--json")).links;
    const kinds = new Set(links.map(({ kind }) => kind));
    assert.sameMembers(
      [...kinds],
      ["release", "verdict", "model", "stage", "artifact", "source", "charter", "contract"],
    );
    assert.match(out, /^✓ verdict passed {2}sha256-/m);
    assert.match(out, /^ {4}beats the baseline passed: found /m);
    assert.match(out, /^ {4}quarantine: 40 rows$/m);
    assert.match(out, /^ {4}warn distance\.range: 40 rows/m);
    assert.match(out, /^✓ source .*deliveries\.parquet {2}sha256-/m);
    assert.match(out, /^ {4}version 1\.0\.0, owned by warehouse$/m);
    assert.match(out, /all \d+ links of the chain are intact/);
  });

  const damages: ReadonlyArray<readonly [string, (folder: string) => void, RegExp]> = [
    [
      "an artifact that is gone",
      (folder) => rmSync(artifactPath(folder, modelOf(first))),
      /^\? artifact application\/json.*\n {4}missing: artifact sha256-.* is not there/m,
    ],
    [
      "a flipped bit",
      (folder) => {
        const file = artifactPath(folder, modelOf(first));
        const bytes = readFileSync(file);
        bytes[100] = (bytes[100] ?? 0) ^ 1;
        writeFileSync(file, bytes);
      },
      /^✗ artifact application\/json.*\n {4}broken: .* does not match its digest/m,
    ],
    [
      "a run that is not recorded",
      (folder) => {
        const db = new DatabaseSync(join(folder, "ml-pipe.sqlite"));
        db.exec("DELETE FROM stage; DELETE FROM run");
        db.close();
      },
      /^\? stage .*\n {4}missing: /m,
    ],
  ];
  for (const [what, damage, expected] of damages) {
    it(`says plainly that there is ${what}`, () =>
      copied("damaged", async (folder) => {
        damage(folder);
        const { code, out } = await call("why", "late-delivery@1", "--state", folder);
        assert.strictEqual(code, 1);
        assert.match(out, expected);
        assert.match(out, /of \d+ links are not intact: /);
        const json = decode((await call("why", "late-delivery", "--state", folder, "--json")).out);
        assert.isFalse(json.intact);
      }));
  }

  it("names the releases that there are", async () => {
    const { code, err } = await call("why", "late-delivery@9");
    assert.strictEqual(code, 2);
    assert.match(err, /no release "late-delivery@9".*late-delivery@/);
  });
});

describe("gc", () => {
  const decode = decoder(Retention.Retention);
  const strict = ["--keep-runs", "1", "--keep-days", "0"];
  const gc = async (folder: string, ...flags: ReadonlyArray<string>) =>
    decode(await read("gc", "--state", folder, "--json", ...flags));

  /** Everything below a folder that retention has a say in. */
  const filesIn = (folder: string) =>
    ["artifacts", "reports", "releases", "logs"]
      .flatMap((place) =>
        existsSync(join(folder, place))
          ? readdirSync(join(folder, place), { recursive: true, withFileTypes: true })
          : [],
      )
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .toSorted();

  const age = (folder: string) => {
    const old = Date.now() / 1000 - 7200;
    for (const file of filesIn(folder)) utimesSync(join(folder, file), old, old);
  };

  /** Artifacts that nothing refers to; all are old. */
  const withOrphans = (folder: string, count: number) => {
    for (let n = 0; n < count; n++) {
      const text = `orphan ${n}`;
      const hex = createHash("sha256").update(text).digest("hex");
      mkdirSync(join(folder, "artifacts", hex.slice(0, 2)), { recursive: true });
      writeFileSync(join(folder, "artifacts", hex.slice(0, 2), hex), text);
    }
    age(folder);
  };

  it("removes what it said it would, and no link of a release", () =>
    copied("collected", async (folder) => {
      withOrphans(folder, 3);
      await call("run", "pipeline.ts", "--no-types", "--force", "--state", folder);
      const before = filesIn(folder);
      const dry = await gc(folder, ...strict, "--dry");
      assert.deepStrictEqual(filesIn(folder), before);
      assert.deepStrictEqual(
        dry.removed.runs.map(({ run }) => run),
        [second.id],
      );
      assert.strictEqual(dry.removed.artifacts.length, 3);
      const text = await read("gc", "--state", folder, ...strict, "--dry");
      assert.match(text, /^would remove 1 run, 3 artifacts, 2 other files: /);
      assert.match(text, new RegExp(`${first.id} .*made the release late-delivery@1`));
      const real = await gc(folder, ...strict);
      assert.deepStrictEqual({ ...real, dry: true, shrunkBytes: 0 }, dry);
      const went = [...dry.removed.artifacts, ...dry.removed.files].map(({ path }) => path);
      const gone = new Set(went);
      assert.deepStrictEqual(
        filesIn(folder),
        before.filter((file) => !gone.has(file)),
      );
      await read("why", "late-delivery@1", "--state", folder);
      assert.strictEqual((await call("status", second.id, "--state", folder)).code, 2);
    }));

  it("leaves a run that is kept, until it is not", () =>
    copied("kept", async (folder) => {
      rmSync(join(folder, "releases"), { recursive: true });
      assert.match(await read("keep", first.id, "--state", folder), /is kept until: ml-pipe keep/);
      const kept = await gc(folder, ...strict, "--dry");
      const before = kept.stays.runs.find(({ run }) => run === first.id)?.reasons ?? [];
      assert.include(before, "kept by hand");
      await read("keep", first.id, "--undo", "--state", folder);
      const now = await gc(folder, ...strict, "--dry");
      const reasons = now.stays.runs.find(({ run }) => run === first.id)?.reasons ?? [];
      assert.notInclude(reasons, "kept by hand");
      // The second run reused what the first one had ingested.
      assert.include(reasons, `run ${second.id} reused its results`);
      const unknown = await call("keep", "1999", "--state", folder);
      assert.strictEqual(unknown.code, 2);
    }));

  it("waits for no pipeline: it says whose the folder is", async () => {
    const folder = join(cwd, "busy");
    variant(cwd, "slow.ts");
    const args = ["run", "slow.ts", "--no-types", "--state", folder, "--json"];
    const running = start(args, { cwd, env: { TINY_SLOW_MS: "60000" } });
    await running.until('"stage":"train"');
    const { code, err } = await call("gc", "--state", folder);
    assert.strictEqual(code, 1);
    assert.match(err, new RegExp(`in use by process ${running.pid}`));
    const dry = await gc(folder, "--dry");
    assert.include(dry.stays.runs[0]?.reasons ?? [], "running");
    running.kill("SIGINT");
    await running.ended;
  });

  it("is whole wherever it is killed, and goes on", () =>
    copied("template", async (template) => {
      withOrphans(template, 300);
      rmSync(join(template, "releases"), { recursive: true });
      await copied("whole", async (folder) => {
        const reset = () => {
          rmSync(folder, { recursive: true, force: true });
          cpSync(template, folder, { recursive: true, preserveTimestamps: true });
        };
        reset();
        const args = ["gc", "--state", folder, ...strict];
        const begun = performance.now();
        await read(...args);
        const wholeMs = performance.now() - begun;
        const expected = filesIn(folder);
        assert.isBelow(expected.length, filesIn(template).length - 299);
        for (let trial = 0; trial < 12; trial++) {
          reset();
          const running = start(args, { cwd });
          await setTimeout(wholeMs * (0.5 + (trial / 12) * 0.5));
          running.kill("SIGKILL");
          await running.ended;
          for (const run of decoder(Schema.Array(ListedRun))(
            await read("runs", "--json", "--state", folder),
          )) {
            const text = await read("status", run.id, "--json", "--state", folder);
            for (const { outputs } of decodeRun(text).stages) {
              const mentions = JSON.stringify(outputs ?? {}).matchAll(
                /"(sha256-[0-9a-f]{64})","bytes":(\d+),"mediaType"/g,
              );
              for (const [, digest = "", bytes] of mentions) {
                assert.strictEqual(statSync(artifactPath(folder, digest)).size, Number(bytes));
              }
            }
          }
          await read(...args);
          assert.deepStrictEqual(filesIn(folder), expected, `trial ${trial}`);
        }
      });
    }));
});

describe("runs", () => {
  it("lists those of a pipeline, or that stand so", async () => {
    const all = decoder(Schema.Array(ListedRun));
    const listed = async (...flags: ReadonlyArray<string>) =>
      all(await read("runs", "--json", ...flags)).map(({ id }) => id);
    assert.deepStrictEqual(await listed("--pipeline", "late-delivery"), [second.id, first.id]);
    assert.deepStrictEqual(await listed("--pipeline", "other"), []);
    assert.deepStrictEqual(await listed("--status", "failed"), []);
    assert.include(await listed("--status", first.status, "--limit", "9"), first.id);
  });
});

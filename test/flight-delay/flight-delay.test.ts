/**
 * The main job as a user runs it, on the real three million flights, and the two models that must not
 * get through. One state folder, so that what they share runs once.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Run, Verdict } from "@ml-pipe/core";
import { Parity } from "@ml-pipe/data";
import { Evaluate } from "@ml-pipe/evaluate";
import { Monitor } from "@ml-pipe/monitor";
import * as Schema from "effect/Schema";
import { afterAll, assert, beforeAll, describe, it } from "vitest";
import { root, run } from "../support/repository.ts";

const state = mkdtempSync(join(tmpdir(), "ml-pipe-flights-"));
afterAll(() => rmSync(state, { recursive: true, force: true }));

const mlPipe = (...args: ReadonlyArray<string>) =>
  run(
    process.execPath,
    [join(root, "packages/cli/bin/ml-pipe.mjs"), ...args, "--state", state],
    root,
  );

const example = "examples/flight-delay/pipeline.ts";
const latest = (): Run.Run =>
  Schema.decodeUnknownSync(Run.Run)(JSON.parse(mlPipe("status", "--json").output));
const stageOf = (record: Run.Run, name: string): Run.StageRun => {
  const stage = record.stages.find((one) => one.stage === name);
  assert.isDefined(stage);
  return stage;
};

describe("flight-delay", () => {
  let printed: ReturnType<typeof mlPipe>;
  let record: Run.Run;
  beforeAll(() => {
    printed = mlPipe("run", example);
    record = latest();
  });

  it("runs from the file to a monitored release", () => {
    assert.strictEqual(printed.status, 0, printed.output);
    assert.deepStrictEqual(
      record.stages.map(({ stage, status }) => `${stage} ${status}`),
      "ingest validate features split train evaluate gate deploy monitor"
        .split(" ")
        .map((stage) => `${stage} succeeded`),
    );
    assert.include(printed.output, "Verdict  passed");
    assert.include(printed.output, "ml-pipe serve flight-delay@1");
    assert.isTrue(existsSync(join(state, "releases/flight-delay/1.json")));
  });

  it("sets aside what breaks the contract, and names its owner", () => {
    // 3,000,000 rows, 191 exact repeats and 11 delays out of range: counted with DuckDB's own client.
    assert.strictEqual(stageOf(record, "ingest").rows, 3_000_000);
    assert.strictEqual(stageOf(record, "validate").rows, 3_000_000 - 191 - 11);
    const found = stageOf(record, "validate").findings;
    assert.deepStrictEqual(
      found.map(({ check, rows, owner }) => ({ check, rows, owner })),
      [
        { check: "delay.range", rows: 11, owner: "flight-operations" },
        { check: "rows.unique", rows: 191, owner: "flight-operations" },
      ],
    );
  });

  it("is judged by the cost per flight, as scikit-learn's model would be", () => {
    const { verdict, evaluation } = stageOf(record, "evaluate").outputs ?? {};
    assert.strictEqual(Schema.decodeUnknownSync(Verdict.Verdict)(verdict).status, "passed");
    const measured = Schema.decodeUnknownSync(Evaluate.Evaluation)(evaluation);
    // HistGradientBoostingClassifier (scikit-learn 1.9.1, 100 trees) on the same features and split:
    // ROC AUC 0.7121, 8.558 USD per flight; never warning 9.552; the night rule 9.434.
    assert.approximately(measured.rocAuc ?? 0, 0.7121, 0.002);
    assert.approximately(measured.cost.model.estimate, 8.558, 0.02);
    assert.approximately(measured.cost.neverAct.estimate, 9.552, 0.002);
    assert.approximately(measured.cost.baseline.estimate, 9.434, 0.002);
    assert.isAbove(measured.gain.interval?.lower ?? 0, measured.smallestGain);
  });

  it("watches June day by day, and its hook decides dry", () => {
    const { outputs, signals } = stageOf(record, "monitor");
    const monitoring = Schema.decodeUnknownSync(Monitor.Monitoring)(outputs?.[""]);
    assert.isAtLeast(monitoring.days.length, 30);
    assert.isTrue(signals.some(({ signal }) => signal === "DataDrift"));
    const [hook] = record.hooks;
    assert.strictEqual(hook?.to, "train");
    assert.isFalse(hook?.hook.armed);
    assert.isTrue(hook?.decisions.some(({ act }) => act));
  });

  it("writes a report that needs nothing else", () => {
    const report = readFileSync(join(state, "reports", `${record.id}.html`), "utf8");
    assert.include(report, "beats the baseline");
    assert.notMatch(report, /<(script|link|img)[^>]+(src|href)="https?:/);
    assert.isBelow(report.length, 1_000_000);
  });

  it("serves a day from the feature store as the batch computes it", () => {
    const { status, output } = mlPipe("run", "examples/flight-delay/online.ts");
    assert.strictEqual(status, 0, output);
    const { outputs } = stageOf(latest(), "parity");
    const report = Schema.decodeUnknownSync(Parity.ParityReport)(outputs?.[""]);
    // As many flights left on the first of June: counted with DuckDB's own client.
    assert.strictEqual(report.requests, 17_209);
    assert.strictEqual(report.evidence.outcome, "passed");
    assert.deepStrictEqual(
      report.features.map(({ equal }) => equal),
      report.features.map(() => 17_209),
    );
  });

  it("does nothing twice", () => {
    const again = mlPipe("run", example);
    assert.strictEqual(again.status, 0, again.output);
    const statuses = latest().stages.map(({ stage, status }) => `${stage} ${status}`);
    assert.deepStrictEqual(
      statuses.filter((text) => !text.endsWith("cached")),
      ["deploy succeeded"],
    );
    assert.isFalse(existsSync(join(state, "releases/flight-delay/2.json")));
  });

  it("stops a model that peeks at the outcome, and names the feature", () => {
    const { status, output } = mlPipe("run", "test/flight-delay/peeking.pipeline.ts");
    assert.strictEqual(status, 3, output);
    assert.include(output, "no leakage suspected failed");
    assert.include(output, 'the feature "delaySoFar" alone reaches 1');
    assert.include(output, 'mark its column availableAt "outcome"');
    assert.isFalse(existsSync(join(state, "releases/peeking")));
  });

  it("stops a model that does not beat the baseline, and says what to do", () => {
    const { status, output } = mlPipe("run", "test/flight-delay/no-better.pipeline.ts");
    assert.strictEqual(status, 3, output);
    assert.match(output, /beats the baseline (failed|inconclusive)/);
    assert.include(output, 'over the baseline "night rule"');
    assert.include(output, "test on a longer period");
    assert.isFalse(existsSync(join(state, "releases/no-better")));
  });
});

/**
 * The example that trains in Python, for real: scikit-learn, a model in ONNX, and all that a release can be
 * asked. `.ci/run` makes the environment and names it in `ML_PIPE_TEST_PYTHON`; by hand:
 *
 *     python3 -m venv test/python/.venv
 *     test/python/.venv/bin/python -m pip install --require-hashes -r test/python/requirements.txt
 *
 * Without one, this is skipped.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openRelease, openReleaseAsync } from "@ml-pipe/deploy/embed";
import { afterAll, assert, beforeAll, describe, it } from "vitest";
import { type Ended, mlPipe, remove, workspace } from "../cli/support.ts";
import { root } from "../support/repository.ts";

const made = join(root, "test/python/.venv");
const venv = process.env["ML_PIPE_TEST_PYTHON"] ?? (existsSync(made) ? made : undefined);
const pipeline = join(root, "examples/churn/pipeline-python.ts");

describe.skipIf(venv === undefined)("the churn example in Python", () => {
  const cwd = workspace("churn-python");
  const run = (env: NodeJS.ProcessEnv = { CHURN_VENV: venv }) =>
    mlPipe(["run", pipeline, "--state", "state"], { cwd, env });
  let first: Ended;
  beforeAll(async () => {
    first = await run();
  });
  afterAll(() => remove(cwd));

  it("trains with scikit-learn, saves money beside no offer, and is released", () => {
    assert.strictEqual(first.code, 0, first.out + first.err);
    assert.match(first.out, /✓ train {2}succeeded/);
    assert.match(first.out, /✓ beats the baseline/);
    assert.match(first.out, /ROC AUC 0\.8[2-4]/);
  });

  it("does not train again in the same environment, and is refused without one", async () => {
    const second = await run();
    assert.strictEqual(second.code, 0, second.out + second.err);
    assert.match(second.out, /= train {2}cached/);
    const absent = await run({ CHURN_VENV: join(cwd, "nowhere") });
    assert.notStrictEqual(absent.code, 0);
    assert.match(
      absent.out + absent.err,
      /PythonUnusable: .*Make the environment: python3 -m venv/,
    );
  });

  it("answers a file, one row like another, and says what is wrong with a row", async () => {
    const model = await openReleaseAsync(join(cwd, "state"), "churn-python");
    try {
      // A customer who came this month has paid nothing yet: a feature is missing.
      const rows = Array.from({ length: 300 }, (_, tenure) => ({
        ...model.example,
        tenure: tenure % 72,
        total_charges: tenure % 72 === 0 ? null : 50 * (tenure % 72),
      }));
      writeFileSync(
        join(cwd, "rows.ndjson"),
        [...rows, { tenure: 1 }].map((row) => JSON.stringify(row)).join("\n"),
      );
      const args = ["predict", "churn-python", "--in", "rows.ndjson", "--state", "state"];
      const { code, out, err } = await mlPipe(args, { cwd });
      assert.strictEqual(code, 3, err);
      const lines = out
        .trim()
        .split("\n")
        .map((line): unknown => JSON.parse(line));
      assert.strictEqual(lines.length, 301);
      assert.isTrue(Array.isArray(Object(lines[300]).problems));
      for (const index of [0, 1, 71, 299]) {
        const one = await model.predict(rows[index]);
        assert.isTrue(one.ok);
        const { probability } = Object(lines[index]);
        if (one.ok) assert.closeTo(one.prediction.probability, probability, 1e-6);
        assert.isTrue(probability >= 0 && probability <= 1);
      }
      const wrong = await model.predict({ ...model.example, tenure: "long" });
      assert.isTrue(!wrong.ok && wrong.problems[0]?.field === "tenure");
    } finally {
      await model.close();
    }
    const sync = await openRelease(join(cwd, "state"), "churn-python").then(
      () => "",
      (error: unknown) => String(error),
    );
    assert.match(sync, /its model is in ONNX.*: open it with openReleaseAsync/);
  });
});

it("the example's types for Python are those of its features", async () => {
  const types = join(root, "examples/churn/features.py");
  const check = (file: string) =>
    mlPipe(["codegen", "python", pipeline, "--out", file, "--check"], { cwd: root });
  const fresh = await check(types);
  assert.strictEqual(fresh.code, 0, fresh.err);
  const folder = workspace("codegen");
  try {
    const stale = join(folder, "features.py");
    writeFileSync(stale, readFileSync(types, "utf8").replace(/sha256-[0-9a-f]/, "sha256-x"));
    const { code, err } = await check(stale);
    assert.strictEqual(code, 3, err);
    assert.match(err, /is not what the feature sets of .* are now\. Run: ml-pipe codegen python/);
    const printed = await mlPipe(["codegen", "python", pipeline], { cwd: root });
    assert.match(printed.out, /class ChurnFeatures:/);
  } finally {
    remove(folder);
  }
});

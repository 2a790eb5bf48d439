/**
 * Boosted trees: 100 trees on 100,000 × 20 and on 1,000,000 × 20, scoring, and explaining. Where Python
 * has scikit-learn, its HistGradientBoostingClassifier trains on the same values beside it.
 *
 *     npx node --conditions=@ml-pipe/source bench/trees.ts [rounds]
 *
 * PYTHON names the interpreter, `python3` by default.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { Classification, Estimator, Explanation } from "@ml-pipe/data";
import { BoostedTrees } from "@ml-pipe/train";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";

const features = 20;
const trees = 100;
const cases = [100_000, 1_000_000] as const;
const rounds = Number(process.argv[2] ?? 3);
/** Names the case that a child process is to measure. */
const rowsVariable = "BENCH_TREES_ROWS";
const folderVariable = "BENCH_TREES_FOLDER";

/** xorshift32: the same values every time. */
const random = (() => {
  let state = 2463534242;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
})();

/** Half of the features tell something, two only together; a fifth of the last four is missing. */
const makeData = (rows: number) => {
  const columns = Array.from({ length: features }, () => new Float64Array(rows));
  const labels = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const r = Array.from({ length: features }, random);
    const at = (j: number) => r[j]! - 0.5;
    let score = 3 * at(0) * at(1) + Math.sin(6 * at(2));
    for (let j = 3; j < 10; j++) score += at(j) * (j % 2 === 0 ? 1 : -0.6);
    labels[i] = 1 / (1 + Math.exp(-2 * score)) > random() ? 1 : 0;
    for (let j = 0; j < features; j++) {
      columns[j]![i] = j >= features - 4 && random() < 0.2 ? Number.NaN : r[j]!;
    }
  }
  return { columns, labels };
};

const seconds = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
};

const peakMebibytes = (): number => process.resourceUsage().maxRSS / 1024;

const measure = async (rows: number, folder: string) => {
  const { columns, labels } = makeData(rows);
  const data = {
    featureNames: columns.map((_, j) => `f${j}`),
    columns,
    labels,
  };
  const times: Array<number> = [];
  let estimator: Estimator.TreeEnsemble | undefined;
  for (let round = 0; round < (rows > 100_000 ? 1 : rounds); round++) {
    times.push(
      await seconds(async () => {
        estimator = (
          await Effect.runPromise(BoostedTrees.fitBoostedTrees(data, { maxTrees: trees }))
        ).estimator;
      }),
    );
  }
  const peak = peakMebibytes();
  if (estimator === undefined) throw new Error("no round");
  const model = estimator;
  const scores = new Float64Array(rows);
  const scoring = await seconds(() =>
    Effect.runPromise(Estimator.scoreColumns(model, columns, scores)),
  );
  const some = columns.map((column) => column.subarray(0, 1000));
  const explaining = await seconds(() => Effect.runPromise(Explanation.meanAbsolute(model, some)));
  const auc = Result.getOrThrow(Classification.rocAuc(scores, Uint8Array.from(labels)));
  // Column after column, then the labels, as Python reads them.
  writeFileSync(path.join(folder, "values.f64"), "");
  for (const column of [...columns, labels]) {
    writeFileSync(path.join(folder, "values.f64"), new Uint8Array(column.buffer), { flag: "a" });
  }
  return {
    seconds: times.toSorted((a, b) => a - b)[times.length >> 1],
    peak,
    auc,
    scored: rows / scoring,
    explained: 1000 / explaining,
  };
};

const python = `
import json, sys, time, resource
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
values = np.fromfile(sys.argv[1]).reshape(${features + 1}, -1)
x, y = np.ascontiguousarray(values[:-1].T), values[-1].astype(int)
times = []
for _ in range(int(sys.argv[2])):
    begun = time.perf_counter()
    model = HistGradientBoostingClassifier(max_iter=${trees}, early_stopping=False).fit(x, y)
    times.append(time.perf_counter() - begun)
begun = time.perf_counter()
p = model.predict_proba(x)[:, 1]
scoring = time.perf_counter() - begun
print(json.dumps({"seconds": sorted(times)[len(times) // 2], "auc": roc_auc_score(y, p),
    "scored": len(y) / scoring, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
`;

const asked = process.env[rowsVariable];
if (asked !== undefined) {
  const folder = process.env[folderVariable] ?? os.tmpdir();
  const measured = await measure(Number(asked), folder);
  writeFileSync(path.join(folder, "measured.json"), JSON.stringify(measured));
} else {
  const folder = mkdtempSync(path.join(os.tmpdir(), "bench-trees-"));
  for (const rows of cases) {
    // A process for each, so that its peak memory is its own.
    const env = { ...process.env, [rowsVariable]: String(rows), [folderVariable]: folder };
    const own = [...process.execArgv, fileURLToPath(import.meta.url), String(rounds)];
    const { status } = spawnSync(process.execPath, own, { env, stdio: "inherit" });
    if (status !== 0) process.exit(status ?? 1);
    const ours = JSON.parse(readFileSync(path.join(folder, "measured.json"), "utf8"));
    const name = `${rows.toLocaleString("en")} × ${features}`;
    console.log(
      `${name}, ${trees} trees   ${ours.seconds.toFixed(2)} s   AUC ${ours.auc.toFixed(4)}   peak ${ours.peak.toFixed(0)} MiB`,
    );
    console.log(
      `  scored ${Math.round(ours.scored).toLocaleString("en")} rows/s, explained ${Math.round(ours.explained).toLocaleString("en")} rows/s (one thread)`,
    );
    const values = path.join(folder, "values.f64");
    const theirs = spawnSync(
      process.env["PYTHON"] ?? "python3",
      ["-c", python, values, String(rows > 100_000 ? 1 : rounds)],
      { encoding: "utf8" },
    );
    if (theirs.status === 0) {
      const reference = JSON.parse(theirs.stdout);
      console.log(
        `  scikit-learn ${reference.seconds.toFixed(2)} s   AUC ${reference.auc.toFixed(4)}   peak ${reference.peak.toFixed(0)} MiB   ratio ${(ours.seconds / reference.seconds).toFixed(2)}×   scored ${Math.round(reference.scored).toLocaleString("en")} rows/s`,
      );
    } else
      console.log("  without scikit-learn beside it: set PYTHON to an interpreter that has it");
  }
  rmSync(folder, { recursive: true });
}

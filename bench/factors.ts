/**
 * Matrix factorisation of implicit feedback, beside implicit's AlternatingLeastSquares with the same factors,
 * rounds and exact solver, where Python has it: `PYTHON=venv/bin/python` (pip install implicit==0.7.3). Both on
 * the same entries and threads.
 *
 *     npx node --conditions=@ml-pipe/source bench/factors.ts [users]
 *
 * Entries are drawn with popularity and taste: users and items belong to one of twenty tastes.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { Factorisation } from "@ml-pipe/train";
import * as Effect from "effect/Effect";

const [users = 20_000] = process.argv.slice(2).map(Number);
const [items, perUser] = [8_000, 50];
const settings = { factors: 32, regularization: 10, iterations: 5, confidence: 1 } as const;
const threads = availableParallelism();

const drawn = (): Factorisation.Entries => {
  let state = 1;
  const random = () => (state = (state * 1103515245 + 12345) % 2 ** 31) / 2 ** 31;
  const user: Array<number> = [];
  const item: Array<number> = [];
  for (let u = 0; u < users; u++) {
    const met = new Set<number>();
    while (met.size < perUser) {
      // The square makes some items popular; most entries are of the user's taste.
      const popular = Math.floor(items * random() ** 2);
      met.add(random() < 0.7 ? popular - (popular % 20) + (u % 20) : popular);
    }
    for (const i of [...met].toSorted((a, b) => a - b)) {
      user.push(u);
      item.push(Math.min(i, items - 1));
    }
  }
  const value = new Float64Array(user.length).fill(1);
  return { users, items, user: Float64Array.from(user), item: Float64Array.from(item), value };
};

const timed = async (run: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
};

const best = async (run: () => Promise<number>, rounds = 3): Promise<number> => {
  let least = Infinity;
  for (let round = 0; round < rounds; round++) least = Math.min(least, await run());
  return least;
};

const entries = drawn();
const ours = await best(() =>
  timed(() =>
    Effect.runPromise(
      Factorisation.factorise(entries, { ...settings, feedback: "implicit", threads }),
    ),
  ),
);
console.log(
  `${entries.user.length.toLocaleString("en-US")} interactions of ${users.toLocaleString("en-US")} users with ${items.toLocaleString("en-US")} items, ${settings.factors} factors, ${settings.iterations} rounds, ${threads} threads`,
);
console.log(`ml-pipe  ${ours.toFixed(2)} s`);

const script = `
import os, sys, time
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np, scipy.sparse as sp
from implicit.als import AlternatingLeastSquares
pairs = np.fromfile(sys.argv[1], dtype=np.int32).reshape(2, -1)
# Its entries are confidences: 1 + alpha * value.
matrix = sp.csr_matrix((np.full(pairs.shape[1], ${1 + settings.confidence}, dtype=np.float32), (pairs[0], pairs[1])))
least = float("inf")
for _ in range(3):
    model = AlternatingLeastSquares(factors=${settings.factors}, regularization=${settings.regularization},
        iterations=${settings.iterations}, use_cg=False, num_threads=${threads}, random_state=0)
    start = time.time()
    model.fit(matrix, show_progress=False)
    least = min(least, time.time() - start)
print(least)
`;
const python = process.env["PYTHON"];
if (python === undefined) {
  console.log("implicit not run: set PYTHON to an interpreter that has it");
} else {
  const folder = mkdtempSync(join(tmpdir(), "ml-pipe-factors-"));
  try {
    const file = join(folder, "pairs.bin");
    writeFileSync(file, Int32Array.from([...entries.user, ...entries.item]));
    const theirs = Number(
      execFileSync(python, ["-c", script, file], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }),
    );
    console.log(`implicit ${theirs.toFixed(2)} s (single precision)`);
    console.log(`ratio    ${(ours / theirs).toFixed(2)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

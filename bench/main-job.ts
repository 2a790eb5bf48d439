/**
 * Time and peak memory of the README's main job, stage by stage, from nothing and from the cache.
 *
 *     npm run build && npx node bench/main-job.ts
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const state = mkdtempSync(join(tmpdir(), "ml-pipe-bench-"));
const tellMemory =
  'process.on("exit", () => console.error("peak " + process.resourceUsage().maxRSS))';

const job = (title: string): void => {
  const begun = performance.now();
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [
      "--import",
      `data:text/javascript,${encodeURIComponent(tellMemory)}`,
      join(root, "packages/cli/bin/ml-pipe.mjs"),
      "run",
      "examples/flight-delay/pipeline.ts",
      "--state",
      state,
    ],
    { cwd: root, encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
  const seconds = (performance.now() - begun) / 1000;
  const peaks = [...stderr.matchAll(/^peak (\d+)$/gm)].map(([, kib]) => Number(kib) / 1024);
  console.log(`${title}: ${seconds.toFixed(1)} s, peak ${Math.max(...peaks).toFixed(0)} MiB`);
  for (const line of stdout.split("\n")) {
    if (line.startsWith("✓")) console.log(`  ${line}`);
  }
};

try {
  job("from nothing");
  job("again, from the cache");
} finally {
  rmSync(state, { recursive: true, force: true });
}

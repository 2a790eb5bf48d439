/**
 * How long `ml-pipe resume` takes from the start of the process to the first stage that had not ended
 * when the run was killed, with the types checked before and nothing changed since:
 *
 *   npm run build && node bench/resume.ts
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

const root = path.join(import.meta.dirname, "..");
const binary = path.join(root, "packages/cli/bin/ml-pipe.mjs");
const tiny = path.join(root, "test/cli/fixtures/tiny");
const rounds = 7;

// Below the repository, so that the packages are found.
const folder = fs.mkdtempSync(path.join(import.meta.dirname, ".bench-"));
const start = (args: ReadonlyArray<string>): ChildProcess =>
  spawn(process.execPath, [binary, ...args, "--json"], {
    cwd: folder,
    env: { ...process.env, TINY_SLOW_MS: "600000" },
    stdio: ["ignore", "pipe", "inherit"],
  });

/** Kills it once the stage has started, and says how many milliseconds that took. */
const killedAt = (child: ChildProcess, stage: string): Promise<number> => {
  const begun = performance.now();
  let told = "";
  let millis = Number.NaN;
  return new Promise((resolve, reject) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      told += chunk.toString();
      const started = told
        .split("\n")
        .some(
          (line) => line.includes('"_tag":"StageStarted"') && line.includes(`"stage":"${stage}"`),
        );
      if (!started || !Number.isNaN(millis)) return;
      millis = performance.now() - begun;
      child.kill("SIGKILL");
    });
    child.on("error", reject);
    child.on("close", () =>
      Number.isNaN(millis)
        ? reject(new Error(`${stage} did not start:\n${told}`))
        : resolve(millis),
    );
  });
};

const middle = (times: ReadonlyArray<number>): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;

const timed = (args: ReadonlyArray<string>): number => {
  const begun = performance.now();
  spawnSync(process.execPath, args, { cwd: folder });
  return performance.now() - begun;
};

try {
  for (const name of ["pipeline.ts", "slope.ts"])
    fs.copyFileSync(path.join(tiny, name), path.join(folder, name));
  const checked = await killedAt(start(["run", "pipeline.ts"]), "train");
  const resumed: Array<number> = [];
  const unchecked: Array<number> = [];
  const empty: Array<number> = [];
  const status: Array<number> = [];
  for (let round = 0; round < rounds; round++) {
    resumed.push(await killedAt(start(["resume"]), "train"));
    unchecked.push(await killedAt(start(["resume", "--no-types"]), "train"));
    empty.push(timed(["-e", ""]));
    status.push(timed([binary, "status"]));
  }
  const rows = [
    ["an empty Node process", middle(empty), "–"],
    ["ml-pipe status", middle(status), "150 ms"],
    ["resume --no-types, to the first unfinished stage", middle(unchecked), "1000 ms"],
    ["resume, types unchanged", middle(resumed), "1000 ms"],
    ["run, types checked, to the same stage", checked, "–"],
  ] as const;
  for (const [what, time, aim] of rows) {
    const ratio = `${(time / middle(empty)).toFixed(1)} ×`;
    console.log(
      `${what.padEnd(50)}${ratio.padStart(8)}${time.toFixed(0).padStart(7)} ms   aim ${aim}`,
    );
  }
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}

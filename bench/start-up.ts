/**
 * How long the command line takes to start, against an empty Node process, in pairs: A B A B …
 *
 *     npm run build && npx node bench/start-up.ts
 *
 * `status` shows a run of six stages with a verdict. What the machine does besides weighs on each
 * program in its own way, so leave it alone: the ratio is the median over pairs.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const rounds = 41;
const root = join(import.meta.dirname, "..");
const bin = join(root, "packages/cli/bin/ml-pipe.mjs");
const state = mkdtempSync(join(tmpdir(), "ml-pipe-start-up-"));

const commands: ReadonlyArray<readonly [name: string, args: ReadonlyArray<string>]> = [
  ["empty Node process", ["-e", "0"]],
  ["ml-pipe --help", [bin, "--help"]],
  ["ml-pipe runs", [bin, "runs", "--state", state]],
  ["ml-pipe status", [bin, "status", "--state", state]],
];

const timeMs = (name: string, args: ReadonlyArray<string>): number => {
  const begun = performance.now();
  const { status } = spawnSync(process.execPath, args, { stdio: "ignore" });
  if (status !== 0) throw new Error(`${name} ended with ${status}: is it built?`);
  return performance.now() - begun;
};
const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

try {
  const tiny = join(root, "test/cli/fixtures/tiny/pipeline.ts");
  timeMs("ml-pipe run", [bin, "run", tiny, "--no-types", "--state", state]);
  for (const [name, args] of commands) timeMs(name, args);
  const times = commands.map((): Array<number> => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, [name, args]] of commands.entries()) times[index]?.push(timeMs(name, args));
  }
  const [empty = []] = times;
  for (const [index, [name]] of commands.entries()) {
    const own = times[index] ?? [];
    const ratio = median(own.map((ms, round) => ms / (empty[round] ?? ms)));
    console.log(
      `${name.padEnd(20)} ${median(own).toFixed(0).padStart(5)} ms   ${ratio.toFixed(2)}×`,
    );
  }
} finally {
  rmSync(state, { recursive: true });
}

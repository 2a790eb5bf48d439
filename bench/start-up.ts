/**
 * How long the command line takes to start, against an empty Node process, in pairs: A B A B …
 *
 *     npm run build && npx node bench/start-up.ts
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const rounds = 15;
const bin = join(import.meta.dirname, "../packages/cli/bin/ml-pipe.mjs");

const commands: ReadonlyArray<readonly [name: string, args: ReadonlyArray<string>]> = [
  ["empty Node process", ["-e", "0"]],
  ["ml-pipe --help", [bin, "--help"]],
  ["ml-pipe status", [bin, "status"]],
];

const timeMs = (args: ReadonlyArray<string>): number => {
  const begun = performance.now();
  spawnSync(process.execPath, args, { stdio: "ignore" });
  return performance.now() - begun;
};
const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

for (const [, args] of commands) timeMs(args);
const times = commands.map((): Array<number> => []);
for (let round = 0; round < rounds; round++) {
  for (const [index, [, args]] of commands.entries()) times[index]?.push(timeMs(args));
}
const [empty = []] = times;
for (const [index, [name]] of commands.entries()) {
  const own = times[index] ?? [];
  const ratio = median(own.map((ms, round) => ms / (empty[round] ?? ms)));
  console.log(`${name.padEnd(20)} ${median(own).toFixed(0).padStart(5)} ms   ${ratio.toFixed(2)}×`);
}

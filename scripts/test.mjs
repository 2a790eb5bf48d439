/**
 * Runs every test of the repository and ends with the line `N passed, N failed, N skipped`.
 *
 *   node scripts/test.mjs              everything: unit, type tests, examples, end to end, docs
 *   node scripts/test.mjs core Stage   only test files whose path contains one of the words
 *   node scripts/test.mjs --changed    unit tests of packages whose source changed since they
 *                                      last passed, and of the packages that depend on them (turbo)
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { startVitest } from "vitest/node";

const root = join(import.meta.dirname, "..");
process.chdir(root);

/** @param {string} script @param {ReadonlyArray<string>} args */
const node = (script, ...args) => {
  const env = { ...process.env, TURBO_TELEMETRY_DISABLED: "1" };
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: "inherit", env });
  if (status !== 0) process.exit(status ?? 1);
};

const filters = process.argv.slice(2);
if (filters.includes("--changed")) {
  node("node_modules/turbo/bin/turbo", "run", "test");
  process.exit();
}

// End-to-end tests start the built `ml-pipe`, so build what changed first.
node("scripts/build.mjs");

const vitest = await startVitest(filters, { run: true, watch: false });
const modules = vitest.state.getTestModules();
const tests = modules.flatMap((module) => [...module.children.allTests()]);
/** @param {string} state */
const count = (state) => tests.filter((test) => test.result().state === state).length;

// What broke outside of a test (a file that does not load, a rejection nobody handled) is a failure.
const outside = [
  ...modules
    .flatMap((module) => [module, ...module.children.allSuites()])
    .flatMap((suite) => suite.errors()),
  ...vitest.state.getUnhandledErrors(),
].length;
const failed = count("failed") + outside;
// A test that was collected and never ran is a skip; it is listed, so that nothing is left out unseen.
const passed = count("passed");
for (const test of tests) {
  if (["skipped", "pending"].includes(test.result().state)) {
    console.log(`skipped: ${test.module.relativeModuleId} > ${test.fullName}`);
  }
}
await vitest.close();
console.log(
  `${passed} passed, ${failed} failed, ${tests.length - passed - count("failed")} skipped`,
);
process.exit(failed > 0 || passed === 0 || process.exitCode ? 1 : 0);

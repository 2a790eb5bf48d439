import { availableParallelism } from "node:os";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

// Workspace packages resolve to their sources, so no test needs a build. `execArgv` says the same
// to plain Node, for the worker threads that a test starts.
const source = "@ml-pipe/source";
const conditions = [source, "module", "node", "development|production"];

const project = (
  name: string,
  test: NonNullable<TestProjectInlineConfiguration["test"]>,
): TestProjectInlineConfiguration => ({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    name,
    exclude: ["**/node_modules/**", "**/dist/**"],
    execArgv: [`--conditions=${source}`],
    ...test,
  },
});

export default defineConfig({
  test: {
    // Two files at a time also on two cores, where the default is one: many tests wait for processes.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      project("unit", { include: ["packages/*/src/**/*.test.ts"], testTimeout: 60_000 }),
      project("types", {
        include: [],
        typecheck: {
          enabled: true,
          only: true,
          include: ["packages/*/src/**/*.tst.ts"],
          tsconfig: "./tsconfig.test.json",
        },
      }),
      project("examples", {
        include: ["examples/**/*.test.ts"],
        testTimeout: 60_000,
        hookTimeout: 60_000,
      }),
      // End to end: these start the built `ml-pipe` and other processes.
      project("e2e", {
        include: ["test/**/*.test.ts"],
        testTimeout: 300_000,
        hookTimeout: 300_000,
      }),
    ],
  },
});

/**
 * Builds every package with `tsc -b`, then bundles the light part of the command line into
 * `dist/start.js` and a few files in `dist/start/`: resolving hundreds of small modules is what makes a Node program slow to
 * start.
 *
 * Runs under the Node that npm runs under (20 or newer), because npm calls it as `prepare`.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import * as fsPromises from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const tsc = join(
  dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
  "bin",
  "tsc",
);
const packages = readdirSync(join(root, "packages")).map((name) => join("packages", name));

try {
  execFileSync(process.execPath, [tsc, "-b", ...packages], { cwd: root, stdio: "inherit" });
} catch {
  console.error("build: tsc -b found errors (above)");
  process.exit(1);
}

// Heavy commands stay files of their own, loaded with `import(new URL("./commands/run.js",
// import.meta.url))`: esbuild leaves such imports alone, so the bundle never pulls DuckDB in.
/**
 * Node's modules that take it milliseconds to load, and that a light command may not need at all: what
 * is imported of them loads them when it is called. What is not named here does not build.
 *
 * @type {Record<string, string>}
 */
const lazyExports = {
  "node:crypto": lazily("node:crypto", ["createHash", "randomBytes", "randomUUID"]),
  "node:stream/promises": lazily("node:stream/promises", ["pipeline", "finished"]),
  "node:fs/promises": `${lazily("node:fs/promises", Object.keys(fsPromises))}
    export { constants } from "node:fs";`,
};

/**
 * A module with functions of another one that load it.
 *
 * @param {string} name
 * @param {ReadonlyArray<string>} exports
 */
function lazily(name, exports) {
  const functions = exports.filter((name) => name !== "constants" && name !== "default");
  const load = `process.getBuiltinModule(${JSON.stringify(name)})`;
  return functions
    .map((name) => `export const ${name} = (...args) => ${load}.${name}(...args);`)
    .join("\n");
}

/** @type {import("esbuild").Plugin} */
const lazyBuiltins = {
  name: "lazy-builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path }) =>
      path in lazyExports ? { path, namespace: "lazy-builtins" } : undefined,
    );
    onLoad({ filter: /^node:/, namespace: "lazy-builtins" }, ({ path }) => ({
      contents: lazyExports[path] ?? "",
    }));
  },
};

rmSync(join(root, "packages/cli/dist/start"), { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: [{ in: "packages/cli/src/main.ts", out: "start" }],
  outdir: "packages/cli/dist",
  bundle: true,
  // What only some light verbs need is in files of their own, which share everything else.
  splitting: true,
  plugins: [lazyBuiltins],
  chunkNames: "start/[name]-[hash]",
  platform: "node",
  target: "node24",
  format: "esm",
  conditions: ["@ml-pipe/source"],
  minifySyntax: true,
  minifyWhitespace: true,
  // A real one takes Node 10 to 20 ms to set up, at the first use of `Intl` in a process.
  define: { "Intl.Segmenter": "LazySegmenter" },
  inject: ["packages/cli/src/LazySegmenter.ts"],
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  logLevel: "warning",
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
});

const heavy = Object.keys(metafile.inputs).filter((file) =>
  /node_modules\/(@duckdb|typescript|esbuild|linkedom|@observablehq)\//.test(file),
);
if (heavy.length > 0) {
  console.error(
    `build: packages/cli/src/main.ts pulls heavy modules into the start-up path:\n  ${heavy.slice(0, 5).join("\n  ")}\nLoad them from a file under commands/ instead.`,
  );
  process.exit(1);
}

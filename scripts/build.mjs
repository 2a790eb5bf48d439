/**
 * Builds every package with `tsc -b`, then bundles the light entry of the command line into one
 * file, `dist/start.js`: resolving hundreds of small modules is what makes a Node program slow to
 * start.
 *
 * Runs under the Node that npm runs under (20 or newer), because npm calls it as `prepare`.
 */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
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
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: ["packages/cli/src/main.ts"],
  outfile: "packages/cli/dist/start.js",
  bundle: true,
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

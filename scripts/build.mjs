/**
 * Builds every package with `tsc -b`, then bundles the light part of the command line into
 * `dist/start.js` and a few files in `dist/start/`: resolving hundreds of small modules is what makes a Node program slow to
 * start.
 *
 * Runs under the Node that npm runs under (20 or newer), because npm calls it as `prepare`.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
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
const packages = fs.readdirSync(join(root, "packages")).map((name) => join("packages", name));

try {
  execFileSync(process.execPath, [tsc, "-b", ...packages], { cwd: root, stdio: "inherit" });
} catch {
  console.error("build: tsc -b found errors (above)");
  process.exit(1);
}

/**
 * Node's modules that take it milliseconds to load, or whose import as such does (`node:fs` loads all
 * streams, `node:util` all encodings), and that a light command may not need at all: what is imported of
 * them loads them when it is called.
 */
const lazyModules = [
  "node:crypto",
  "node:fs",
  "node:fs/promises",
  "node:stream/promises",
  "node:util",
];

/**
 * A module with the functions of another one, which load that.
 *
 * @param {string} name
 */
const lazily = (name) => {
  const load = `process.getBuiltinModule(${JSON.stringify(name)})`;
  const found = Object.getOwnPropertyDescriptors(createRequire(import.meta.url)(name));
  const functions = Object.entries(found)
    .filter(([key, { value }]) => /^[a-z]/.test(key) && typeof value === "function")
    .map(([key]) => key);
  return [
    ...functions.map((key) => `export const ${key} = (...args) => ${load}.${key}(...args);`),
    ...(name.startsWith("node:fs") ? [`export const { constants } = ${load};`] : []),
  ].join("\n");
};

/** @type {import("esbuild").Plugin} */
const lazyBuiltins = {
  name: "lazy-builtins",
  setup({ onResolve, onLoad }) {
    const filter = new RegExp(`^(${lazyModules.join("|")})$`);
    onResolve({ filter }, ({ path }) => ({ path, namespace: "lazy-builtins" }));
    onLoad({ filter, namespace: "lazy-builtins" }, ({ path }) => ({ contents: lazily(path) }));
  },
};

/** Where the modules of our packages are that their indexes export as `Name.what`, by package. */
const modulesOf = Object.fromEntries(
  ["core", "observe"].map((name) => {
    const folder = join(root, "packages", name, "src");
    const index = fs.readFileSync(join(folder, "index.ts"), "utf8");
    const found = index.matchAll(/^export \* as (\w+) from "(.*)";$/gm);
    return [
      `@ml-pipe/${name}`,
      new Map([...found].map(([, as = "", file = ""]) => [as, join(folder, file)])),
    ];
  }),
);

/** Calls that do nothing but make a value: what nobody uses of them may go. */
const makers =
  /^(?:export )?const [^=\n]+ = (?=(?:Effect\.fn(?:Untraced)?|Stage\.make|Schema\.\w+)\()/gm;

/**
 * Imports `Run` of `@ml-pipe/core` from its file: through the index, everything in that file would be
 * bundled and evaluated, whatever is used of it. And says of what our modules make that it can go.
 *
 * @type {import("esbuild").Plugin}
 */
const onlyWhatIsUsed = {
  name: "only-what-is-used",
  setup({ onLoad }) {
    const imports = /^import \{([^}]*)\} from "(@ml-pipe\/(?:core|observe))";$/gm;
    onLoad({ filter: /packages[\\/]\w+[\\/]src[\\/].*\.ts$/ }, ({ path }) => ({
      loader: "ts",
      contents: fs
        .readFileSync(path, "utf8")
        .replace(makers, "$&/* @__PURE__ */ ")
        .replace(imports, (whole, names, name) => {
          const direct = names.split(",").map((/** @type {string} */ one) => {
            const [, type = "", as] = /^\s*(type )?(\w+)\s*$/.exec(one) ?? [];
            const file = modulesOf[name]?.get(as ?? "");
            return file && `import ${type}* as ${as} from ${JSON.stringify(file)};`;
          });
          // On as many lines as before, for the map to the sources.
          return direct.every(Boolean) ? direct.join(whole.includes("\n") ? "\n" : " ") : whole;
        }),
    }));
  },
};

// Heavy commands stay files of their own, loaded with `import(new URL("./commands/run.js",
// import.meta.url))`: esbuild leaves such imports alone, so the bundle never pulls DuckDB in.
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: [{ in: "packages/cli/src/main.ts", out: "start" }],
  outdir: "packages/cli/dist",
  bundle: true,
  // What only some light verbs need is in files of their own, which share everything else.
  splitting: true,
  plugins: [lazyBuiltins, onlyWhatIsUsed],
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

// Those of earlier builds go last, so that one that runs meanwhile finds its files.
for (const name of fs.readdirSync(join(root, "packages/cli/dist/start"))) {
  const file = `packages/cli/dist/start/${name}`;
  if (!(file in metafile.outputs)) fs.rmSync(join(root, file));
}

const heavy = Object.keys(metafile.inputs).filter((file) =>
  /node_modules\/(@duckdb|typescript|esbuild|linkedom|@observablehq)\//.test(file),
);
if (heavy.length > 0) {
  console.error(
    `build: packages/cli/src/main.ts pulls heavy modules into the start-up path:\n  ${heavy.slice(0, 5).join("\n  ")}\nLoad them from a file under commands/ instead.`,
  );
  process.exit(1);
}

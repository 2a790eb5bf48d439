#!/usr/bin/env node
// The launcher. Its syntax is old on purpose: an old Node must get far enough to be told, or to
// hand over to the Node 24 that npm installed next to ml-pipe.
import module from "module";
import { dirname, join } from "path";
import { fileURLToPath } from "url";

// Loaded this way, because an import of "fs" loads all of its streams and promises too.
const require = module.createRequire(import.meta.url);
/** @type {typeof import("fs")} */
const { existsSync } = require("fs");

const needed = 24;
const here = fileURLToPath(import.meta.url);
const main = new URL("../dist/start.js", import.meta.url);

/** The `node` binary of the platform package among our optional dependencies, if it is installed. */
function bundledNode() {
  const platform = process.platform === "win32" ? "win" : process.platform;
  const names = ["node-", "node-bin-"].map((prefix) => prefix + platform + "-" + process.arch);
  for (const name of names) {
    try {
      const folder = dirname(require.resolve(name + "/package.json"));
      const file = join(folder, "bin", process.platform === "win32" ? "node.exe" : "node");
      if (existsSync(file)) return file;
    } catch {
      // Not installed: try the next name.
    }
  }
  return undefined;
}

/**
 * Runs this launcher again under `node`, passing signals on and ending the way it ends.
 *
 * @param {string} node
 */
function handOver(node) {
  // Loaded here, because it takes a tenth of the time in which an empty program starts.
  /** @type {typeof import("child_process")} */
  const { spawn } = require("child_process");
  const child = spawn(node, process.execArgv.concat([here], process.argv.slice(2)), {
    stdio: "inherit",
    env: Object.assign({}, process.env, { ML_PIPE_HANDED_OVER: "1" }),
  });
  /** @type {NodeJS.Signals[]} */
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  signals.forEach((signal) =>
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both of us already.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    }),
  );
  child.on("error", refuse);
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    signals.forEach((name) => process.removeAllListeners(name));
    process.kill(process.pid, signal);
  });
}

/** A launcher that is killed passes no signal on: what it started ends as on SIGTERM, and frees its port. */
function endWithLauncher() {
  const launcher = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === launcher) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, 500);
  timer.unref();
}

function refuse() {
  console.error(
    `ml-pipe needs Node ${needed} or newer and this is Node ${process.versions.node}: ` +
      `install Node ${needed} (https://nodejs.org), or run \`npm install\` with optional dependencies ` +
      `and start it as \`npx ml-pipe\`, which picks up the Node ${needed} that comes with it.`,
  );
  process.exit(1);
}

if (Number(process.versions.node.split(".")[0]) < needed) {
  const node = process.env.ML_PIPE_HANDED_OVER ? undefined : bundledNode();
  if (node === undefined) refuse();
  else handOver(node);
} else if (!existsSync(main)) {
  console.error("ml-pipe is not built: run `npm run prepare` in its repository.");
  process.exit(1);
} else {
  if (process.env.ML_PIPE_HANDED_OVER) endWithLauncher();
  delete process.env.ML_PIPE_HANDED_OVER;
  module.enableCompileCache();
  import(main.href);
}

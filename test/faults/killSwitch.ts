/**
 * Loaded before the program: counts its operations on files and on the database, and kills the process
 * at a chosen one, without warning: before it, right after it, or while it is under way.
 *
 *   KILL_AT=17.before | 17.after | 17.during:250
 */
import fs from "node:fs";
import fsPromises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { Worker } from "node:worker_threads";

const [at = "0", how = "before", micros = "0"] = (process.env["KILL_AT"] ?? "").split(/[.:]/);
const target = Number(at);
let operations = 0;

const die = () => process.kill(process.pid, "SIGKILL");

/** Another thread that kills the process so long after it is told, whatever the main thread does. */
const shared = new Int32Array(new SharedArrayBuffer(4));
if (how === "during") {
  const code = `
    const { workerData: { shared, micros } } = require("node:worker_threads");
    Atomics.wait(shared, 0, 0);
    const until = performance.now() + micros / 1000;
    while (performance.now() < until);
    process.kill(process.pid, "SIGKILL");`;
  const worker = new Worker(code, { eval: true, workerData: { shared, micros: Number(micros) } });
  worker.unref();
}

const counted = () => ++operations === target;

const around = (operation: (...args: ReadonlyArray<never>) => unknown) =>
  function (this: unknown, ...args: ReadonlyArray<never>): unknown {
    const now = counted();
    if (now && how === "before") die();
    if (now && how === "during") {
      Atomics.store(shared, 0, 1);
      Atomics.notify(shared, 0);
    }
    const result = Reflect.apply(operation, this, args);
    if (now && how === "after") {
      if (result instanceof Promise) void result.then(die, die);
      else die();
    }
    return result;
  };

// The names that a module imported are bound to what is here.
const replace = (holder: object, ...names: ReadonlyArray<string>) => {
  for (const name of names) {
    const operation: unknown = Reflect.get(holder, name);
    if (typeof operation === "function")
      Object.assign(holder, { [name]: around(operation as never) });
  }
};
replace(fsPromises, "rename", "writeFile", "rm", "mkdir", "open");
replace(fs, "appendFileSync", "renameSync", "writeFileSync", "mkdirSync");
replace(DatabaseSync.prototype, "exec");
replace(StatementSync.prototype, "run", "get", "all");
syncBuiltinESMExports();

process.on("exit", () => {
  if (process.env["COUNT"] !== undefined) {
    process.stderr.write(`operations ${operations}`);
  }
});

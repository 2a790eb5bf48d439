/** A program that starts a process, says its number, and does nothing more: it is killed. */
import * as Effect from "effect/Effect";
import { start } from "./childProcess.ts";

const code = `process.on("SIGTERM", () => {});
  const child = require("node:child_process").spawn(process.execPath, ["-e",
    "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('here')"]);
  child.stdout.once("data", () => console.log(process.pid + " " + child.pid));
  setInterval(() => {}, 1000);`;
const child = await Effect.runPromise(
  start({ executable: process.execPath, args: ["-e", code], cwd: "/", environment: {} }),
);
child.stdout.pipe(process.stdout);

/** A process that serves: `serve.ts <folder> <shutdown in ms>`. Prints its URL; stops on SIGTERM. */
import { run } from "../src/Serve.ts";

const [stateFolder = "", shutdownTimeout = "10000"] = process.argv.slice(2);
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
await run({
  stateFolder,
  release: "trip-delay",
  port: 0,
  signal: stop.signal,
  shutdownTimeout: Number(shutdownTimeout),
  onListening: ({ url }) => process.stdout.write(`${url}\n`),
  log: (entry) => process.stdout.write(`${JSON.stringify(entry)}\n`),
});
process.stdout.write("stopped\n");

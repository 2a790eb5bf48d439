import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as net from "node:net";
import { fileURLToPath } from "node:url";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { released } from "../test-fixtures/stateFolder.ts";
import { request } from "../test-fixtures/trips.ts";

const fixture = fileURLToPath(new URL("../test-fixtures/serve.ts", import.meta.url));

/** Starts a real process that serves; it is killed with the scope. */
const serving = Effect.fnUntraced(function* (shutdownMillis: number) {
  const folder = yield* released;
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(
        process.execPath,
        ["--conditions=@ml-pipe/source", fixture, folder, `${shutdownMillis}`],
        { stdio: ["ignore", "pipe", "inherit"] },
      ),
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL")),
  );
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  yield* Effect.promise(() => Promise.race([once(child.stdout, "data"), once(child, "exit")]));
  return {
    child,
    url: output.trim(),
    port: Number(new URL(output.trim()).port),
    output: () => output,
  };
});

/** A request of which only half was sent. */
const halfSent = (port: number) =>
  Effect.promise(async () => {
    const body = JSON.stringify(request);
    const socket = net.connect(port, "127.0.0.1");
    let received = "";
    socket.on("data", (chunk) => (received += chunk));
    socket.on("error", () => {});
    socket.write(
      `POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 20)}`,
    );
    // The server has begun when it answers another.
    await fetch(`http://127.0.0.1:${port}/healthz`).then((reply) => reply.text());
    return {
      finish: async () => {
        socket.write(body.slice(20));
        await once(socket, "close");
        return received;
      },
      closed: once(socket, "close").then(() => received),
    };
  });

const exitOf = (child: ChildProcess) =>
  Effect.promise(async () => {
    const start = performance.now();
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return { code: child.exitCode, millis: performance.now() - start };
  });

const accepts = (port: number) =>
  Effect.promise(
    () =>
      new Promise<boolean>((resolve) => {
        const socket = net.connect(port, "127.0.0.1", () => {
          socket.destroy();
          resolve(true);
        });
        socket.on("error", () => resolve(false));
      }),
  );

// Starting a process takes its time on a busy machine.
describe("Serve.run in a process that gets SIGTERM", { timeout: 30_000 }, () => {
  it.live("answers what is in flight, accepts nothing new, and exits", () =>
    Effect.gen(function* () {
      const { child, port, output } = yield* serving(10_000);
      const { finish } = yield* halfSent(port);
      child.kill("SIGTERM");
      while (yield* accepts(port)) yield* Effect.sleep("10 millis");
      assert.isNull(child.exitCode);
      const reply = yield* Effect.promise(finish);
      assert.match(reply, /^HTTP\/1\.1 200 /);
      assert.match(reply, /connection: close/i);
      assert.include(reply, '"release":"trip-delay@1"');
      const { code, millis } = yield* exitOf(child);
      assert.strictEqual(code, 0);
      assert.isBelow(millis, 5_000);
      assert.include(output(), '"status":200');
      assert.match(output(), /stopped\n$/);
    }),
  );

  it.live("cuts off what does not end in time", () =>
    Effect.gen(function* () {
      const { child, port } = yield* serving(300);
      const { closed } = yield* halfSent(port);
      child.kill("SIGTERM");
      const { code, millis } = yield* exitOf(child);
      assert.strictEqual(code, 0);
      assert.isBelow(millis, 5_000);
      assert.notInclude(yield* Effect.promise(() => closed), "HTTP/1.1 200");
    }),
  );

  it.live("does not wait for connections that are idle", () =>
    Effect.gen(function* () {
      const { child, url } = yield* serving(10_000);
      // `fetch` keeps its connection for the next request.
      yield* Effect.promise(() => fetch(`${url}/healthz`).then((reply) => reply.text()));
      child.kill("SIGTERM");
      const { code, millis } = yield* exitOf(child);
      assert.strictEqual(code, 0);
      assert.isBelow(millis, 4_000);
    }),
  );
});

/** A real Redis server for tests, if this machine has one: `redis-server` or `valkey-server`. */
import { spawn, spawnSync } from "node:child_process";
import * as net from "node:net";
import * as Effect from "effect/Effect";

/** The program, if there is one. */
export const redisProgram = ["redis-server", "valkey-server"].find(
  (name) => spawnSync(name, ["--version"]).status === 0,
);

const freePort = Effect.callback<number>((resume) => {
  const server = net.createServer();
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    server.close(() =>
      resume(Effect.succeed(typeof address === "object" ? (address?.port ?? 0) : 0)),
    );
  });
});

/** A server that asks for this password, in memory only, until the scope closes. */
export const startRedis = Effect.fnUntraced(function* (program: string, password: string) {
  const port = yield* freePort;
  const server = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(
        program,
        [
          ["--port", String(port), "--bind", "127.0.0.1"],
          ["--save", "", "--appendonly", "no", "--requirepass", password],
        ].flat(),
        { stdio: ["ignore", "pipe", "ignore"] },
      ),
    ),
    (server) => Effect.sync(() => server.kill("SIGKILL")),
  );
  yield* Effect.callback<void>((resume) => {
    server.stdout.on("data", (text) => {
      if (String(text).includes("Ready to accept connections")) resume(Effect.void);
    });
  });
  return { port, stop: Effect.sync(() => server.kill("SIGKILL")) };
});

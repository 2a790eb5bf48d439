/** A real Redis server for tests, if this machine has one: `redis-server` or `valkey-server`. */
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
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
export const startRedis = Effect.fnUntraced(function* (
  program: string,
  password: string,
  more: (port: number) => ReadonlyArray<string> = () => [],
) {
  const port = yield* freePort;
  const server = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(
        program,
        [
          ["--port", String(port), "--bind", "127.0.0.1"],
          ["--save", "", "--appendonly", "no", "--requirepass", password],
          more(port),
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

/** A folder with a key and a certificate of `localhost`, if the machine can make them. */
export const certificate = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "ml-pipe-tls-"));
    const [key, cert] = [path.join(folder, "key.pem"), path.join(folder, "cert.pem")];
    const made = spawnSync(
      "openssl",
      [
        ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
        ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        ["-keyout", key, "-out", cert],
      ].flat(),
    );
    return { folder, key, cert, made: made.status === 0 };
  }),
  ({ folder }) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
);

/**
 * A way to the server that is cut, for good, once so many bytes have gone through: what a server sees of
 * a process that is killed.
 */
export const cutAfter = Effect.fnUntraced(function* (port: number, bytes: number) {
  let left = bytes;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    const upstream = net.connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) sockets.add(socket.on("error", () => {}));
    upstream.pipe(client);
    client.on("data", (data) => {
      const passed = data.subarray(0, Math.max(left, 0));
      left -= data.length;
      if (left > 0) upstream.write(passed);
      else upstream.end(passed, () => client.destroy());
    });
  });
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.void));
    }),
    () =>
      Effect.callback<void>((resume) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resume(Effect.void));
      }),
  );
  const address = server.address();
  return {
    port: typeof address === "object" ? (address?.port ?? 0) : 0,
    /** How many bytes went through, or would have. */
    sent: () => bytes - left,
  };
});

/** `ml-pipe serve`: answers predictions of one release over HTTP. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as ExitCode from "../ExitCode.ts";
import { loadPredictor } from "../predict/loadPredictor.ts";
import { type Health, handler } from "../predict/http.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `serve` was asked for. */
export interface ServeOptions {
  readonly stateFolder: string;
  readonly release: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly host: string;
}

/** It could not listen there. */
export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  host: Schema.String,
  port: Schema.Int,
  code: Schema.String,
}) {
  override get message(): string {
    const why =
      this.code === "EADDRINUSE"
        ? "another program listens there. Choose another port with --port (0: any that is free)"
        : this.code === "EACCES"
          ? "this user may not. Choose a port from 1024 with --port"
          : "check --host and --port";
    return `cannot listen on ${this.host}:${this.port} (${this.code}): ${why}`;
  }
}

/** Requests under way get this long to end after Ctrl-C or SIGTERM. */
const graceMillis = 10_000;

/** Runs the command until it is interrupted; the result is its exit code. */
export const serve = (options: ServeOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    Effect.map(loadPredictor(options.stateFolder, options.release), (predictor) => () => {
      const health: Health = { stopping: false };
      const server = createServer(
        { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 5_000 },
        handler(predictor, health),
      );
      return listen(server, health, predictor.label, options, context);
    }),
  );

const listen = async (
  server: Server,
  health: Health,
  label: string,
  { host, port }: ServeOptions,
  { terminal, signal }: CommandContext,
): Promise<number> => {
  const { out, err, errStyle } = terminal;
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    err(`${errStyle.red("CannotListen")}: ${new CannotListen({ host, port, code }).message}`);
    return ExitCode.failed;
  }
  const address = server.address();
  const at = isInternet(address) ? address.port : port;
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${at}`;
  out(`${label} answers at ${url}/predict (POST)  GET ${url}/healthz  GET ${url}/signature`);
  if (!signal.aborted) await once(signal, "abort");
  await close(server, health);
  return ExitCode.succeeded;
};

const isInternet = (address: AddressInfo | string | null): address is AddressInfo =>
  typeof address === "object" && address !== null;

/** Takes no new requests, lets those under way end, then closes. */
const close = async (server: Server, health: Health): Promise<void> => {
  health.stopping = true;
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  const force = setTimeout(() => server.closeAllConnections(), graceMillis);
  await closed;
  clearTimeout(force);
};

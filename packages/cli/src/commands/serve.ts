/** `ml-pipe serve`: answers predictions of one release over HTTP. */
import { Serve } from "@ml-pipe/deploy";
import * as Effect from "effect/Effect";
import * as ExitCode from "../ExitCode.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `serve` was asked for. */
export interface ServeOptions {
  readonly stateFolder: string;
  readonly release: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Any but this machine itself needs the token of `ML_PIPE_SERVE_TOKEN`. */
  readonly host: string;
  /** A file to record requests and their features in. */
  readonly record: string | undefined;
  /** The share of the entities that is recorded. */
  readonly recordShare: number;
  /** Reads the state of histories from the feature store, not from the release. */
  readonly store: boolean;
  /** With a store: by how many seconds its state may fall short. */
  readonly maxAge: number | undefined;
  /** With a store: refuse what its state does not reach to. */
  readonly refuse: boolean;
}

/** Runs the command until it is interrupted; the result is its exit code. */
export const serve = (
  { record, recordShare, store, maxAge, refuse, ...options }: ServeOptions,
  context: CommandContext,
): Promise<number> =>
  Serve.run({
    ...options,
    ...(store
      ? {
          store: {
            ...(maxAge === undefined ? {} : { maxAge: maxAge * 1000 }),
            otherwise: refuse ? "refuse" : "missing",
          },
        }
      : {}),
    ...(record === undefined
      ? {}
      : {
          record: {
            file: record,
            share: recordShare,
            onFailure: (problem) =>
              context.terminal.err(`requests are not recorded in ${record}: ${problem}`),
          },
        }),
    signal: context.signal,
    log: (entry) => context.terminal.err(JSON.stringify(entry)),
    onListening: ({ url }, { label }) =>
      context.terminal.out(
        `${label} answers at ${url}/predict (POST)  GET ${url}/healthz  GET ${url}/signature`,
      ),
  }).then(
    () => ExitCode.succeeded,
    (error: unknown) => runCommand(context, Effect.fail(error)),
  );

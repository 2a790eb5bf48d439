/** `ml-pipe dump [RUN]`: everything recorded about a run as one JSON document. */
import * as fs from "node:fs/promises";
import { Artifact, RunDump, Store } from "@ml-pipe/core";
import { LogReader } from "@ml-pipe/observe";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as ExitCode from "../ExitCode.ts";
import { runIn, type RunMissing, withStore } from "../StateFolder.ts";
import type { Terminal } from "../Terminal.ts";
import { pretty } from "../view/json.ts";

/** What `dump` was asked for. */
export interface DumpOptions {
  readonly stateFolder: string;
  readonly run: string | undefined;
  /** Standard output if absent. */
  readonly out: string | undefined;
}

/** Writes it; the result is an exit code. */
export const dump = (
  { stateFolder, run: wanted, out: file }: DumpOptions,
  { out, err }: Terminal,
): Effect.Effect<
  number,
  RunMissing | Store.StoreError | Artifact.ArtifactStoreError | LogReader.RunLogUnreadable
> =>
  withStore(stateFolder, (store) =>
    Effect.gen(function* () {
      const run = yield* runIn(store, stateFolder, wanted);
      const log = yield* logOf(stateFolder, run.id);
      const text = pretty(encode({ ...(yield* RunDump.of(run)), log }));
      if (file === undefined) {
        out(text);
        return ExitCode.succeeded;
      }
      yield* Artifact.attempt("write", file, () => fs.writeFile(file, `${text}\n`));
      err(`run ${run.id} is in ${file}`);
      return ExitCode.succeeded;
    }).pipe(Effect.provideService(Store.Store, store)),
  );

const encode = Schema.encodeSync(Schema.toCodecJson(RunDump.RunDump));
const encodeEntry = Schema.encodeSync(Schema.toCodecJson(LogReader.Entry));

/** Every entry of the log of a run; none if no log was kept. */
const logOf = Effect.fnUntraced(function* (folder: string, run: string) {
  const { next } = LogReader.tail(LogReader.fileOf(folder, run));
  const entries: Array<Schema.Json> = [];
  while (true) {
    const piece = yield* next(Effect.succeed(true));
    if (piece === undefined) return entries;
    entries.push(...piece.map((entry) => encodeEntry(entry)));
  }
});

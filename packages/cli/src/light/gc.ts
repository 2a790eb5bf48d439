/** `ml-pipe gc`: removes what nothing refers to. */
import { Retention, Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as ExitCode from "../ExitCode.ts";
import { changeStore, type RunMissing, withStore } from "../StateFolder.ts";
import type { Terminal } from "../Terminal.ts";
import { pretty } from "../view/json.ts";
import { retentionText } from "../view/retention.ts";

/** What `gc` was asked for. */
export interface GcOptions {
  readonly stateFolder: string;
  readonly dry: boolean;
  readonly keepRuns: number;
  readonly keepDays: number;
  readonly json: boolean;
}

/** Removes it, or says what would go; the result is an exit code. */
export const gc = (
  { stateFolder, dry, keepRuns, keepDays, json }: GcOptions,
  { out, err, style, errStyle }: Terminal,
): Effect.Effect<number, RunMissing | Retention.RetentionError> =>
  (dry ? withStore : changeStore)(stateFolder, (store) =>
    Effect.gen(function* () {
      const policy = { keepRuns, keepFor: `${keepDays} days` as const };
      const act = dry ? Retention.preview : Retention.collect;
      const done = yield* act(stateFolder, policy);
      out(json ? pretty(Schema.encodeSync(Retention.Retention)(done)) : retentionText(done, style));
      for (const failure of done.failures) err(`${errStyle.red(failure._tag)}: ${failure.message}`);
      return done.failures.length === 0 ? ExitCode.succeeded : ExitCode.failed;
    }).pipe(Effect.provideService(Store.Store, store)),
  );

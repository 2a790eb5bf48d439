import * as Command from "effect/cli/Command";
import { status as showStatus } from "../light/status.ts";
import { json, run, verb } from "../Verb.ts";

/** `ml-pipe status [RUN]`. */
export const status = Command.make("status", { run, json }, (flags) =>
  verb(({ stateFolder, context }) => showStatus({ ...flags, stateFolder }, context.terminal)),
).pipe(Command.withDescription("Show a run: stages, findings, verdict, hooks, what to do next"));

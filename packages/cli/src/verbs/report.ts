import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { heavy } from "../heavy.ts";
import { heavyVerb, json, optional, run } from "../Verb.ts";

const out = optional("out", "FILE", "Where to write it (default: in the state folder)");
const open = Flag.Literals("open", ["yes", "no"]).pipe(
  Flag.withDescription("Open it in the browser (default: yes on a terminal)"),
  Flag.withDefault(process.stdout.isTTY ? "yes" : "no"),
);

/** `ml-pipe report [RUN]`. */
export const report = Command.make("report", { run, out, open, json }, ({ open, ...flags }) =>
  heavyVerb(async ({ stateFolder, context }) =>
    (await heavy("report")).report({ ...flags, open: open === "yes", stateFolder }, context),
  ),
).pipe(Command.withDescription("Write the report on a run as one HTML file, and print its path"));

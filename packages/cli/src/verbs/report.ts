import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { heavy } from "../heavy.ts";
import { boolean, heavyVerb, json, optional, run } from "../Verb.ts";

const out = optional("out", "FILE", "Where to write it (default: in the state folder)");
const open = Flag.Literals("open", ["yes", "no"]).pipe(
  Flag.withDescription("Open it in the browser (default: yes on a terminal)"),
  Flag.withDefault(process.stdout.isTTY ? "yes" : "no"),
);

const infoSheet = boolean(
  "info-sheet",
  "The info sheet instead, as HTML and Markdown: what a reader must know to believe the model",
);

/** `ml-pipe report [RUN]`. */
export const report = Command.make(
  "report",
  { run, out, open, infoSheet, json },
  ({ open, infoSheet, ...flags }) =>
    heavyVerb(async ({ stateFolder, context }) => {
      const { report, infoSheet: writeSheet } = await heavy("report");
      const options = { ...flags, open: open === "yes", stateFolder };
      return infoSheet ? writeSheet(options, context) : report(options, context);
    }),
).pipe(Command.withDescription("Write the report on a run as one HTML file, and print its path"));

import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import * as ExitCode from "../ExitCode.ts";
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

const modelCard = boolean(
  "model-card",
  "The model card instead, as Markdown with Hugging Face metadata, and as JSON with the fields of the Model Card Toolkit",
);
const onePage = boolean(
  "one-page",
  "The owner's page instead: question, answer, money, risks and who decides, on one sheet of A4",
);

/** `ml-pipe report [RUN]`. */
export const report = Command.make(
  "report",
  { run, out, open, infoSheet, modelCard, onePage, json },
  ({ open, infoSheet, modelCard, onePage, ...flags }) =>
    heavyVerb(async ({ stateFolder, context }) => {
      const made = await heavy("report");
      const options = { ...flags, open: open === "yes", stateFolder };
      const asked = [
        ...(infoSheet ? [made.infoSheet] : []),
        ...(modelCard ? [made.modelCard] : []),
        ...(onePage ? [made.onePage] : []),
      ];
      const [first = made.report, second] = asked;
      if (second !== undefined) {
        context.terminal.err("ask for one at a time: --info-sheet, --model-card or --one-page");
        return ExitCode.invalid;
      }
      return first(options, context);
    }),
).pipe(
  Command.withDescription("Write the report on a run as one HTML file, and print its path"),
  Command.withExamples([
    { command: "ml-pipe report", description: "The newest run" },
    { command: "ml-pipe report 20261124 --one-page", description: "For whoever decides" },
  ]),
);

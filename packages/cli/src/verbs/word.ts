/** What `approve` and `reject` have in common. */
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { heavy } from "../heavy.ts";
import { boolean, heavyVerb, optional, optionalArgument, types } from "../Verb.ts";

const run = Argument.String("RUN").pipe(
  Argument.withDescription("The run that waits, or the beginning of its name"),
);
const gate = optionalArgument("GATE", "The stage that asks (default: the only one)");
const as = optional("as", "NAME", "Who says it: one of the approvers, and not the author");
const reason = optional("reason", "TEXT", "Why; kept with the run");
const input = optional("input", "JSON", "What the gate asks for beside the decision");
const set = Flag.KeyValuePair("set").pipe(
  Flag.withMetavar("KEY=VALUE"),
  Flag.withDescription("The same field by field; once for each"),
  Flag.withDefault({}),
);
const resume = boolean("resume", "Go on with the run at once (--no-resume: only record it)", true);
const json = boolean("json", "Print what happens as JSON, one event a line");

/** A verb that records a word and goes on with the run. */
export const word = (decision: "approve" | "reject", description: string) =>
  Command.make(decision, { run, gate, as, reason, input, set, resume, types, json }, (flags) =>
    heavyVerb(async ({ stateFolder, context }) =>
      (await heavy("decide")).decide({ ...flags, decision, stateFolder }, context),
    ),
  ).pipe(
    Command.withDescription(description),
    Command.withExamples([
      {
        command: `ml-pipe ${decision} 20261124 sign-off`,
        description: "Show what is asked, and of whom",
      },
      {
        command: `ml-pipe ${decision} 20261124 sign-off --as ana --reason "…"`,
        description: "Answer",
      },
    ]),
  );

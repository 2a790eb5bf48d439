import * as Command from "effect/cli/Command";
import { heavy } from "../heavy.ts";
import { boolean, heavyVerb, json, optionalArgument, lightVerb } from "../Verb.ts";

const what = optionalArgument(
  "RUN|FILE",
  "A run, or with --explain a pipeline file (default: the newest run)",
);
const explain = boolean(
  "explain",
  "Say of each stage whether it is fresh, or because of which file, field or input it is not",
);

/** `ml-pipe status [RUN]`. */
export const status = Command.make("status", { what, explain, json }, ({ explain, what, json }) =>
  explain
    ? heavyVerb(async ({ stateFolder, context }) =>
        (await heavy("plan")).explain({ what, json, stateFolder }, context),
      )
    : lightVerb((light, { stateFolder, context }) =>
        light.status({ run: what, json, stateFolder }, context.terminal),
      ),
).pipe(Command.withDescription("Show a run: stages, findings, verdict, hooks, what to do next"));

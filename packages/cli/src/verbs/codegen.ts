import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { heavy } from "../heavy.ts";
import { heavyVerb, optional } from "../Verb.ts";

const file = Argument.File("FILE").pipe(
  Argument.withDescription("A pipeline file, or one that exports feature sets"),
);

const python = Command.make(
  "python",
  {
    file,
    out: optional("out", "FILE", "Where the types go (default: standard output)"),
    check: Flag.Boolean("check").pipe(
      Flag.withDescription("Write nothing; end with 3 if the file is not what would be written"),
      Flag.withDefault(false),
    ),
  },
  (flags) =>
    heavyVerb(async ({ context }) => (await heavy("codegen")).codegenPython(flags, context)),
).pipe(
  Command.withDescription(
    "Write the feature sets of a file, and the contracts that they read, as types for Python",
  ),
);

/** `ml-pipe codegen python`. */
export const codegen = Command.make("codegen").pipe(
  Command.withDescription("Write types for other languages"),
  Command.withSubcommands([python]),
  Command.withExamples([
    {
      command: "ml-pipe codegen python pipeline.ts --out features.py",
      description: "Types for the script that trains",
    },
    {
      command: "ml-pipe codegen python pipeline.ts --out features.py --check",
      description: "In CI: are they those of the feature sets as they are now?",
    },
  ]),
);

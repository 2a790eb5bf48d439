import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { heavy } from "../heavy.ts";
import { boolean, heavyVerb, json, release } from "../Verb.ts";

const onnx = Flag.File("onnx").pipe(
  Flag.withMetavar("FILE"),
  Flag.withDescription("Where the model goes, in ONNX"),
);

const prepared = boolean(
  "prepared",
  "Take what the model's transformation gives, and leave that out of the file",
);

/** `ml-pipe export RELEASE --onnx FILE`. */
export const exportModel = Command.make("export", { release, onnx, prepared, json }, (flags) =>
  heavyVerb(async ({ stateFolder, context }) =>
    (await heavy("export")).exportRelease({ ...flags, stateFolder }, context),
  ),
).pipe(
  Command.withDescription("Write the model of a release for other programs"),
  Command.withExamples([
    {
      command: "ml-pipe export flight-delay --onnx flight-delay.onnx",
      description: "Write the newest flight-delay as ONNX",
    },
  ]),
);

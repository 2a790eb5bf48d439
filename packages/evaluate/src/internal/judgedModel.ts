/** The model that a run judged, as the run recorded it. */
import type { Run, Verdict } from "@ml-pipe/core";
import { Model } from "@ml-pipe/data";
import * as Schema from "effect/Schema";

const decode = Schema.decodeUnknownOption(Schema.toCodecJson(Model.AnyModel));

/** What it is in words: also of how many trials it is the best. Undefined where the run did not make it. */
export const kindOf = (run: Run.Run, verdict: Verdict.Verdict | undefined): string | undefined => {
  for (const { outputs } of run.stages.toReversed()) {
    for (const output of Object.values(outputs ?? {})) {
      const found = decode(output);
      if (found._tag === "Some" && found.value.document.digest === verdict?.model) {
        return found.value.kind;
      }
    }
  }
  return undefined;
};

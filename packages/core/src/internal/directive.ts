/** Lines by which a process tells the stage something: `::ml-pipe progress {…}`, `::ml-pipe finding {…}`. */
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { Finding } from "../Finding.ts";

/** How far a process or thread has come, from outside this program. */
export const ProgressTold = Schema.Struct({
  label: Schema.String,
  share: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))),
  rows: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
});

/** What a line says. */
export type Directive =
  | { readonly _tag: "Progress"; readonly progress: typeof ProgressTold.Type }
  | { readonly _tag: "Finding"; readonly finding: Finding }
  | { readonly _tag: "Invalid"; readonly problem: string };

const mark = "::ml-pipe ";
const progress = Schema.decodeUnknownResult(Schema.fromJsonString(ProgressTold), { errors: "all" });
const finding = Schema.decodeUnknownResult(Schema.fromJsonString(Finding), { errors: "all" });

/** What a line tells the stage; `undefined` for a line that only people read. */
export const directiveIn = (line: string): Directive | undefined => {
  if (!line.startsWith(mark)) return undefined;
  const [, word = "", json = ""] = /^(\S*)\s*(.*)$/.exec(line.slice(mark.length)) ?? [];
  switch (word) {
    case "progress":
      return Result.match(progress(json), {
        onFailure: ({ message }): Directive => ({ _tag: "Invalid", problem: message }),
        onSuccess: (progress) => ({ _tag: "Progress", progress }),
      });
    case "finding":
      return Result.match(finding(json), {
        onFailure: ({ message }): Directive => ({ _tag: "Invalid", problem: message }),
        onSuccess: (finding) => ({ _tag: "Finding", finding }),
      });
    default:
      return { _tag: "Invalid", problem: `"${word}" is neither progress nor finding` };
  }
};

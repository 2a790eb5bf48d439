/** `ml-pipe approve` and `ml-pipe reject`: a person's word at a gate that waits. */
import { Approval, Store } from "@ml-pipe/ml-pipe";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as ExitCode from "../ExitCode.ts";
import { findRun } from "../StateFolder.ts";
import { askText } from "../view/ask.ts";
import { resume } from "./resume.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `approve` or `reject` was asked for. */
export interface DecideOptions {
  readonly decision: Approval.Approval["decision"];
  readonly run: string;
  readonly gate: string | undefined;
  readonly as: string | undefined;
  readonly reason: string | undefined;
  /** JSON text. */
  readonly input: string | undefined;
  readonly resume: boolean;
  readonly json: boolean;
  readonly stateFolder: string;
}

/** The input is not JSON. */
export class InputNotJson extends Schema.TaggedError<InputNotJson>()("InputNotJson", {
  problem: Schema.String,
}) {
  override get message(): string {
    return `--input is not JSON: ${this.problem}. Quote it for the shell, such as --input '{"percent": 5}'`;
  }
}

/** Runs the command; the result is its exit code. */
export const decide = (options: DecideOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    Effect.gen(function* () {
      const { decision, gate, as, reason, stateFolder, json } = options;
      const { out, err, style, errStyle } = context.terminal;
      const run = yield* findRun(stateFolder, options.run);
      if (as === undefined || reason === undefined) {
        for (const line of askText(run, gate, errStyle)) err(line);
        return ExitCode.invalid;
      }
      const input = yield* parse(options.input);
      const word = { run: run.id, as, decision, reason, input };
      const given = yield* Approval.give(gate === undefined ? word : { ...word, gate }).pipe(
        Effect.provide(Store.Store.layer(stateFolder)),
      );
      if (json) out(JSON.stringify({ _tag: "WordRecorded", approval: encode(given) }));
      else out(`${style.green("✓")} recorded: ${as} ${verbs[decision]} ${given.gate} of ${run.id}`);
      if (!options.resume) return ExitCode.succeeded;
      const file = { file: undefined, types: true };
      return () => resume({ ...file, run: run.id, stateFolder, json }, context);
    }),
  );

const verbs = { approve: "approves", reject: "rejects" };
const encode = Schema.encodeSync(Approval.Approval);

const parse = (input: string | undefined): Effect.Effect<unknown, InputNotJson> =>
  input === undefined
    ? Effect.succeed(undefined)
    : Effect.try({
        try: (): unknown => JSON.parse(input),
        catch: (cause) =>
          new InputNotJson({ problem: cause instanceof Error ? cause.message : String(cause) }),
      });

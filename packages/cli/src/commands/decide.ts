/** `ml-pipe approve` and `ml-pipe reject`: a person's word at a gate that waits. */
import { Approval, type Run, Store } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as ExitCode from "../ExitCode.ts";
import { findRun, stateFlag } from "../StateFolder.ts";
import { asksOf, askJson, askText } from "../view/ask.ts";
import { pretty } from "../view/json.ts";
import { givenInput } from "./givenInput.ts";
import { type CommandContext, runCommand } from "./runCommand.ts";

/** What `approve` or `reject` was asked for. */
export interface DecideOptions {
  readonly decision: Approval.Approval["decision"];
  readonly run: string;
  readonly gate: string | undefined;
  readonly as: string | undefined;
  readonly reason: string | undefined;
  /** What the gate asks for, as JSON text. */
  readonly input: string | undefined;
  /** The same field by field. */
  readonly set: { readonly [path: string]: string };
  /** Whether to go on with the run at once. */
  readonly resume: boolean;
  readonly types: boolean;
  readonly json: boolean;
  readonly stateFolder: string;
}

/** Runs the command; the result is its exit code. */
export const decide = (options: DecideOptions, context: CommandContext): Promise<number> =>
  runCommand(
    context,
    Effect.gen(function* () {
      const { decision, gate, as, reason, stateFolder, types, json } = options;
      const run = yield* findRun(stateFolder, options.run);
      if (as === undefined || reason === undefined) return tellAsked(run, options, context);
      const asked = asksOf(run, gate)[0]?.ask.input;
      const input = yield* givenInput(options, asked);
      const word = { run: run.id, as, decision, reason, input };
      const { given, owner } = yield* record(gate === undefined ? word : { ...word, gate }).pipe(
        Effect.provide(Store.Store.layer(stateFolder)),
      );
      tellRecorded(given, options, context);
      if (!options.resume) return ExitCode.succeeded;
      if (owner !== undefined) {
        tellOwned(owner, given, options, context);
        return ExitCode.succeeded;
      }
      return async () => {
        const { resume } = await import("./resume.ts");
        return resume({ run: run.id, file: undefined, stateFolder, types, json }, context);
      };
    }),
  );

/** Records the word, which needs no ownership of the folder; says who has it, if another process does. */
const record = Effect.fnUntraced(function* (word: Approval.Word) {
  const given = yield* Approval.give(word);
  const { own } = yield* Store.Store;
  const owned = yield* Effect.result(Effect.scoped(own));
  if (owned._tag === "Success") return { given, owner: undefined };
  const { failure } = owned;
  return failure._tag === "FolderOwned" ? { given, owner: failure } : yield* failure;
});

/** Without a name and a reason nothing is decided: shows what there is to decide on. */
const tellAsked = (
  run: Run.Run,
  { gate, as, reason, decision, json, stateFolder }: DecideOptions,
  { terminal: { out, err, style, errStyle } }: CommandContext,
): number => {
  const asked = asksOf(run, gate);
  if (json) out(pretty(askJson(run, asked)));
  else
    for (const line of askText(run, asked, { style, stateFlag: stateFlag(stateFolder) })) out(line);
  const where = gate === undefined ? "" : ` at "${gate}"`;
  const missing = [
    as === undefined ? "--as NAME" : "",
    reason === undefined ? "--reason TEXT" : "",
  ];
  const problem =
    asked.length === 0
      ? `run ${run.id} asks nobody anything${where}: it is ${run.status}`
      : `to ${decision}, give ${missing.filter((flag) => flag !== "").join(" and ")}`;
  err(`${errStyle.red("ml-pipe")}: ${problem}`);
  return ExitCode.invalid;
};

const encode = Schema.encodeSync(Approval.Approval);
const verbs = { approve: "approves", reject: "rejects" };

const tellRecorded = (
  given: Approval.Approval,
  { json }: DecideOptions,
  { terminal: { out, style } }: CommandContext,
): void => {
  const { approver, decision, gate, run, expiresAt } = given;
  if (json) return out(JSON.stringify({ _tag: "WordRecorded", approval: encode(given) }));
  const until = decision === "approve" ? `, until ${expiresAt.toISOString()}` : "";
  out(
    `${style.green("✓")} recorded: ${approver} ${verbs[decision]} "${gate}" of run ${run}${until}`,
  );
};

const tellOwned = (
  { pid }: Store.FolderOwned,
  { run }: Approval.Approval,
  { json, stateFolder }: DecideOptions,
  { terminal: { out, err } }: CommandContext,
): void => {
  const who = pid === undefined ? "another process" : `process ${pid}`;
  const resume = `ml-pipe resume ${run}${stateFlag(stateFolder)}`;
  const text = `${who} works in this state folder: it goes on with the run, or the next \`${resume}\` does`;
  if (json) err(text);
  else out(text);
};

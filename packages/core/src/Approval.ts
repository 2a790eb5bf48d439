/**
 * Approvals: a person's word, bound to a digest of the evidence it was given on. Change the evidence
 * and the approval is void; an author cannot approve their own model; approvals expire.
 *
 * A pipeline asks with `Stage.approval`; a person answers with {@link give}, or on the command line.
 */
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import * as SchemaRepresentation from "effect/SchemaRepresentation";
import type { Approval, Ask } from "./internal/approval.ts";
import type { Run } from "./Run.ts";
import { Store } from "./Store.ts";

export {
  Approval,
  ApprovalVoid,
  Ask,
  check,
  evidenceDigest,
  type Judged,
} from "./internal/approval.ts";
export { given } from "./internal/givenWords.ts";

/** A word that cannot be taken: nobody asked, or the wrong person answers, or without what was asked. */
export class ApprovalRefused extends Schema.TaggedError<ApprovalRefused>()("ApprovalRefused", {
  run: Schema.String,
  gate: Schema.String,
  problem: Schema.String,
  next: Schema.String,
}) {
  override get message(): string {
    const where = this.gate === "" ? "" : `gate "${this.gate}" of `;
    return `${where}run ${this.run}: ${this.problem}. ${this.next}`;
  }
}

/** What a person says at a gate. */
export interface Word {
  /** The run, or the unambiguous beginning of its id. */
  readonly run: string;
  /** The stage that asks; may be left out if only one does. */
  readonly gate?: string;
  /** Who says it. The name is taken as given: nothing here proves it. */
  readonly as: string;
  readonly decision: Approval["decision"];
  readonly reason: string;
  /** What the gate asks for beside the decision, as JSON. */
  readonly input?: unknown;
}

/**
 * Records a person's word at a gate that a run waits at. The run goes on when it is resumed. Fails
 * with {@link ApprovalRefused} if the run waits for nobody there, the person is its author or not among
 * the approvers, the reason is empty, or the input is not what the gate asks for.
 *
 * @example
 * ```ts
 * import { Approval } from "@ml-pipe/core";
 *
 * const approve = Approval.give({
 *   run: "20261124", gate: "sign-off", as: "ana", decision: "approve",
 *   reason: "saves 1 USD a flight",
 * });
 * ```
 */
export const give = Effect.fnUntraced(function* (word: Word) {
  const store = yield* Store;
  const run = Option.getOrUndefined(yield* store.run(word.run));
  const refuse = (problem: string, next: string, gate = word.gate ?? "") =>
    new ApprovalRefused({ run: run?.id ?? word.run, gate, problem, next });
  if (run === undefined) return yield* refuse("there is no such run", "`ml-pipe runs` lists them");
  const { stage: gate, ask } = yield* asking(run, word.gate, refuse);
  const no = (problem: string, next: string) => refuse(problem, next, gate);
  if (word.as.trim() === "") return yield* no("nobody says it", "Give a name");
  if (word.reason.trim() === "") {
    return yield* no("it needs a reason", "Say why: it is kept with the run");
  }
  if (!ask.approvers.includes(word.as)) {
    return yield* no(`${word.as} is not among the approvers`, `Ask ${ask.approvers.join(" or ")}`);
  }
  if (word.as === run.startedBy) {
    const others = ask.approvers.filter((name) => name !== word.as);
    const next = others.length > 0 ? `Ask ${others.join(" or ")}` : "Name another approver";
    return yield* no(`${word.as} started the run and cannot approve it`, next);
  }
  const input = yield* inputOf(ask, word).pipe(
    Effect.mapError(({ message }) => no(`its input does not fit: ${message}`, "Correct it")),
  );
  const now = yield* Clock.currentTimeMillis;
  const approval: Approval = {
    pipeline: run.pipeline,
    gate,
    run: run.id,
    evidence: ask.evidence,
    ...(run.startedBy === undefined ? {} : { author: run.startedBy }),
    approver: word.as,
    decision: word.decision,
    reason: word.reason,
    at: new Date(now),
    expiresAt: new Date(now + ask.expiresAfterMs),
    input,
  };
  yield* store.approvals.put(approval);
  return approval;
});

/** The stage of a run that asks, or was told no; the only one, if none is named. */
const asking = (
  run: Run,
  gate: string | undefined,
  refuse: (problem: string, next: string) => ApprovalRefused,
): Effect.Effect<{ readonly stage: string; readonly ask: Ask }, ApprovalRefused> => {
  const waiting = run.stages.flatMap(({ stage, status, asks }) =>
    (status === "suspended" || status === "stopped") && asks !== undefined
      ? [{ stage, ask: asks }]
      : [],
  );
  const names = waiting.map(({ stage }) => stage);
  const [found, ...others] =
    gate === undefined ? waiting : waiting.filter(({ stage }) => stage === gate);
  if (found === undefined) {
    const next =
      names.length > 0 ? `It waits at ${names.join(", ")}` : `It waits for nobody: ${run.status}`;
    return Effect.fail(refuse("nothing is asked there", next));
  }
  return others.length > 0
    ? Effect.fail(refuse("it waits at several gates", `Name one of ${names.join(", ")}`))
    : Effect.succeed(found);
};

/** The input as JSON, checked against what the gate asks for. A rejection needs none. */
const inputOf = ({ input: asked }: Ask, { input = null, decision }: Word) => {
  if (asked === undefined || decision === "reject") return Effect.succeed<Schema.Json>(null);
  const schema = SchemaRepresentation.fromJsonSchemaDocument({
    dialect: "draft-2020-12",
    schema: Schema.decodeUnknownSync(Schema.Record(Schema.String, Schema.Json))(asked),
    definitions: {},
  });
  const json = Schema.decodeUnknownEffect(Schema.Json)(input);
  return Effect.tap(json, (value) =>
    Schema.decodeUnknownEffect(Schema.toType(schema), { errors: "all" })(value),
  );
};

/** What a run waits for, for the person who is to answer. */
import { type Approval, type Run, Verdict } from "@ml-pipe/core";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { outcomeMark, verdictWord } from "./marks.ts";
import { pretty } from "./json.ts";
import type { Style } from "./Style.ts";
import { duration, indent } from "./text.ts";

/** A gate that waits. */
export interface Asked {
  readonly gate: string;
  readonly ask: Approval.Ask;
  /** What is to be decided on, as it is recorded. */
  readonly evidence: Schema.Json;
}

/** The gates of a run that wait, or the one that is named. */
export const asksOf = (run: Run.Run, gate?: string): ReadonlyArray<Asked> =>
  run.stages.flatMap(({ stage, status, asks }) =>
    status === "suspended" && asks !== undefined && (gate === undefined || stage === gate)
      ? [{ gate: stage, ask: asks, evidence: evidenceOf(run, stage) }]
      : [],
  );

/** What the stage before the gate gave. */
const evidenceOf = (run: Run.Run, gate: string): Schema.Json => {
  const from = run.graph.stages.find(({ name }) => name === gate)?.inputs[0]?.from;
  const made = run.stages.find(({ stage }) => stage === from?.stage);
  return made?.outputs?.[from?.port ?? ""] ?? null;
};

/** As one JSON value. */
export const askJson = (run: Run.Run, asked: ReadonlyArray<Asked>) => ({
  run: run.id,
  pipeline: run.pipeline,
  status: run.status,
  startedBy: run.startedBy ?? null,
  gates: asked.map(({ gate, ask, evidence }) => {
    const { evidence: digest, ...question } = ask;
    return { gate, ...question, evidenceDigest: digest, evidence };
  }),
});

/** As text: question, who may answer until when, what they must give, the evidence, how to answer. */
export const askText = (
  run: Run.Run,
  asked: ReadonlyArray<Asked>,
  { style, stateFlag }: { readonly style: Style; readonly stateFlag: string },
): ReadonlyArray<string> =>
  asked.flatMap(({ gate, ask, evidence }) => {
    const may = ask.approvers.filter((name) => name !== run.startedBy);
    const who = may.length === 0 ? "nobody of those who may" : may.join(" or ");
    const not = run.startedBy === undefined ? "" : `, but not ${run.startedBy}, who started it`;
    const input = ask.input === undefined ? "" : " --input JSON";
    const command = (verb: string, more: string) =>
      `  ${style.cyan(`ml-pipe ${verb} ${run.id} ${gate} --as NAME --reason "…"${more}${stateFlag}`)}`;
    return [
      `${style.bold(ask.question)}  ${style.dim(`"${gate}" of run ${run.id}`)}`,
      `  who      ${who}${not}`,
      `  counts   for ${duration(ask.expiresAfterMs)}, and only for this evidence (${ask.evidence.slice(0, 19)})`,
      ...(ask.input === undefined
        ? []
        : ["", style.bold("Input"), indent(pretty(ask.input), "  ")]),
      "",
      style.bold("Evidence"),
      ...evidenceLines(evidence, style).map((line) => indent(line, "  ")),
      "",
      style.bold("Answer"),
      command("approve", input),
      command("reject", ""),
      "",
    ];
  });

const decodeVerdict = Schema.decodeUnknownOption(Verdict.Verdict);

/** A verdict gate by gate; anything else as the JSON that it is. */
const evidenceLines = (evidence: Schema.Json, style: Style): ReadonlyArray<string> => {
  const verdict = Option.getOrUndefined(decodeVerdict(evidence));
  if (verdict === undefined) return pretty(evidence).split("\n");
  return [
    `verdict ${verdictWord(verdict.status, style)} on the model ${verdict.model.slice(0, 19)}`,
    ...verdict.evidence.flatMap(({ gate, outcome, expected, found }) => [
      `${outcomeMark(outcome, style)} ${gate}: ${found} ${style.dim(`(expected ${expected})`)}`,
    ]),
  ];
};

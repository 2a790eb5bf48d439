/** What a run waits for, for the person who is to answer. */
import type { Approval, Run } from "@ml-pipe/core";
import type { Style } from "./Style.ts";
import { duration, indent } from "./text.ts";

/** The gates of a run that wait, or one of them: question, evidence, and how to answer. */
export const askText = (
  run: Run.Run,
  gate: string | undefined,
  style: Style,
): ReadonlyArray<string> => {
  const asked = run.stages.filter(
    ({ stage, asks }) => asks !== undefined && (gate === undefined || stage === gate),
  );
  if (asked.length === 0)
    return [`run ${run.id} waits for nobody${gate === undefined ? "" : ` at ${gate}`}`];
  return asked.flatMap(({ stage, asks }) =>
    asks === undefined ? [] : gateText(run, stage, asks, style),
  );
};

const gateText = (
  run: Run.Run,
  gate: string,
  ask: Approval.Ask,
  style: Style,
): ReadonlyArray<string> => [
  `${style.bold(gate)} of run ${run.id} asks: ${ask.question}`,
  `  approvers  ${ask.approvers.join(", ")}${run.startedBy === undefined ? "" : `; not ${run.startedBy}, who started it`}`,
  `  expires    ${duration(ask.expiresAfterMs)} after it is given`,
  ...(ask.input === undefined ? [] : [`  input      ${JSON.stringify(ask.input)}`]),
  "  evidence",
  indent(JSON.stringify(evidenceOf(run, gate), undefined, 2), "    "),
  `Answer with: ml-pipe approve ${run.id} ${gate} --as NAME --reason "…"${ask.input === undefined ? "" : " --input JSON"}  (or reject)`,
];

/** What the stage before the gate gave, as it is recorded. */
const evidenceOf = (run: Run.Run, gate: string): unknown => {
  const from = run.graph.stages.find(({ name }) => name === gate)?.inputs[0]?.from;
  const made = run.stages.find(({ stage }) => stage === from?.stage);
  return made?.outputs?.[from?.port ?? ""] ?? null;
};

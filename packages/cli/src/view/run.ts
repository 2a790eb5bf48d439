/** A recorded run as text: what its stages did, what they found, the verdict, hooks, what to do next. */
import { Finding, type Run } from "@ml-pipe/core";
import { verdictsOf } from "./facts.ts";
import { feedbackText } from "./graph.ts";
import { markOf, outcomeMark, statusWord, verdictWord } from "./marks.ts";
import { nextCommands, type Surroundings } from "./next.ts";
import type { Style } from "./Style.ts";
import { ago, columns, count, duration, indent, instant, plural, shortPath } from "./text.ts";
import { askedText, attemptsText, causeText, itemsText, stoppedText, wordText } from "./words.ts";

/** The run as `status` shows it. */
export const runText = (
  run: Run.Run,
  options: { readonly style: Style; readonly now: Date } & Surroundings,
): string => {
  const { style, now } = options;
  return [
    summaryLine(run, style, now),
    "",
    ...stageLines(run, options),
    ...problemsText(run, style, options.given),
    ...outcomeText(run, options),
  ].join("\n");
};

/** `flight-delay  run 20261124-…  succeeded in 42 s  (3 min ago)`. */
export const summaryLine = (run: Run.RunSummary, style: Style, now: Date): string => {
  const took =
    run.endedAt === undefined
      ? ""
      : ` in ${duration(run.endedAt.getTime() - run.startedAt.getTime())}`;
  const when = style.dim(`${instant(run.startedAt)}, ${ago(run.endedAt ?? run.startedAt, now)}`);
  const cause = run.causedBy === undefined ? "" : `\n  ${causeText(run)}`;
  return `${style.bold(run.pipeline)}  run ${run.id}  ${statusWord(run.status, style)}${took}  ${when}${cause}`;
};

type Shown = { readonly style: Style } & Pick<Surroundings, "given">;

/** The stages of the graph, with what is recorded about each. */
const stageLines = (run: Run.Run, options: Shown): ReadonlyArray<string> => {
  const { style } = options;
  const names = run.graph.stages.map(({ name }) => name);
  const rows = names.map((name) => {
    const stage = run.stages.find((record) => record.stage === name);
    return stage === undefined
      ? [style.dim("·"), name, style.dim("not started")]
      : stageRow(run, stage, options);
  });
  return columns(rows).map((line) => `  ${line}`);
};

const stageRow = (
  run: Run.Run,
  stage: Run.StageRun,
  { style, given }: Shown,
): ReadonlyArray<string> => {
  // A stage of a process that was killed never got to record its end.
  const status =
    stage.status === "running" && run.status !== "running" ? "interrupted" : stage.status;
  const millis = (stage.endedAt?.getTime() ?? 0) - stage.startedAt.getTime();
  const [took, note] =
    status === "succeeded" || status === "running"
      ? [stage.endedAt === undefined ? status : duration(millis), stage.cacheNote]
      : [statusWord(status, style), noteOf(stage, given)];
  const amounts = [
    stage.items === undefined ? "" : itemsText(stage.items),
    stage.rows === undefined ? "" : plural(stage.rows, "row"),
    attemptsText(stage.attempts),
    stoppedText(stage),
  ];
  return [
    markOf(status, style),
    stage.stage,
    took,
    amounts.filter((amount) => amount !== "").join(", "),
    style.dim(note),
  ];
};

const noteOf = (
  { stage, status, asks, failure, cacheNote }: Run.StageRun,
  given: Surroundings["given"] = [],
): string => {
  const word = given.find(({ gate }) => gate === stage);
  if (word !== undefined) return `${wordText(word)}; the run has not gone on since`;
  if (status === "suspended" && asks !== undefined) return askedText(asks);
  return failure?.tag ?? cacheNote;
};

/** Failures, then findings: everything that someone should read. What is `given` is not asked for. */
export const problemsText = (
  run: Run.Run,
  style: Style,
  given: Surroundings["given"] = [],
): ReadonlyArray<string> => {
  const failures = run.stages
    .filter(({ stage }) => !given.some(({ gate }) => gate === stage))
    .flatMap((stage) => failureLines(run, stage, style));
  const findings = run.stages.flatMap((stage) =>
    stage.findings.map((finding) => findingText(stage.stage, finding, style)),
  );
  return [
    ...(failures.length === 0 ? [] : ["", ...failures]),
    ...(findings.length === 0 ? [] : ["", style.bold("Findings"), ...findings]),
  ];
};

/** `pipeline.ts:42  stage "train"  InputMismatch: …`. */
const failureLines = (run: Run.Run, stage: Run.StageRun, style: Style): ReadonlyArray<string> => {
  if (stage.failure === undefined) return [];
  const place = run.graph.stages.find(({ name }) => name === stage.stage)?.place;
  const where = place === undefined ? "" : `${shortPath(place.file)}:${place.line}  `;
  const paint = stage.status === "stopped" ? style.yellow : style.red;
  const [first = "", ...rest] = stage.failure.message.split("\n");
  return [
    `${where}stage "${stage.stage}"  ${paint(stage.failure.tag)}: ${first}`,
    ...rest.map((line) => `  ${line}`),
  ];
};

/** `  warn  validate  delay.range  expected …, found … [flight-operations]. Ask …`. */
const findingText = (stage: string, finding: Finding.Finding, style: Style): string => {
  const paint = { fail: style.red, warn: style.yellow, info: style.cyan }[finding.severity];
  const line = Finding.toLine(finding).slice(finding.severity.length + 1);
  return `  ${paint(finding.severity)} ${stage}: ${line}`;
};

/** The verdict, what hooks decided, the report, and what to type next. */
export const outcomeText = (
  run: Run.Run,
  options: { readonly style: Style } & Surroundings,
): ReadonlyArray<string> => {
  const { style } = options;
  const next = nextCommands(run, options);
  return [
    ...verdictLines(run, style),
    ...hookLines(run, style),
    ...(options.report === undefined
      ? []
      : ["", `${style.bold("Report")}  ${shortPath(options.report)}`]),
    ...(next.length === 0 ? [] : ["", style.bold("Next")]),
    ...columns(next.map(({ command, why }) => [style.cyan(command), style.dim(why)])).map(
      (line) => `  ${line}`,
    ),
  ];
};

const verdictLines = (run: Run.Run, style: Style): ReadonlyArray<string> => {
  const { charter } = run.graph;
  return verdictsOf(run).flatMap(({ stage, verdict }) => [
    "",
    `${style.bold("Verdict")}  ${verdictWord(verdict.status, style)}  ${style.dim(
      `${stage}, against the charter "${charter.title}": beat ${charter.baseline.name} by ${charter.smallestGain} ${charter.metric.unit} or more`,
    )}`,
    ...verdict.evidence.flatMap(({ gate, outcome, expected, found, next }) => [
      `  ${outcomeMark(outcome, style)} ${gate}: ${found} ${style.dim(`(expected ${expected})`)}`,
      ...(outcome === "passed" ? [] : [indent(next, "      ")]),
    ]),
  ]);
};

const hookLines = (run: Run.Run, style: Style): ReadonlyArray<string> =>
  run.hooks.length === 0
    ? []
    : [
        "",
        style.bold("Hooks"),
        ...run.hooks.map((record) => {
          const edge = feedbackText({ ...record, from: record.stage }, run.graph.charter.owner);
          return `  ${style.yellow(edge)}  ${hookText(record)}`;
        }),
      ];

/** What a hook decided, in words. */
export const hookText = ({ decisions, hook }: Run.HookRecord): string => {
  const acts = decisions.filter(({ act }) => act);
  const last = decisions.at(-1);
  if (last === undefined) return "no signal";
  const seen = plural(decisions.length, "signal");
  if (acts.length === 0) return `${seen}, no action: ${last.reason}`;
  const [first] = acts;
  const times = acts.length === 1 ? "once" : `${count(acts.length)} times, first`;
  const on =
    first === undefined ? "" : ` on ${first.at.toISOString().slice(0, 10)}: ${first.reason}`;
  return `${seen}, ${hook.armed ? "acted" : "would have acted"} ${times}${on}`;
};

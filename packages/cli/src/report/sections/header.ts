/** What was run, when, how it ended, and the verdict in one sentence. */
import type { Run } from "@ml-pipe/core";
import { html, type Html, nothing } from "../html.ts";
import { badge, icon, meaning, ofRun } from "../status.ts";
import { facts } from "../table.ts";
import { conclude, type Verdicts } from "../verdicts.ts";
import { between, count, instant } from "../words.ts";
import { waiting } from "./approvals.ts";

/** The head of the page. */
export const header = (run: Run.Run, verdicts: Verdicts): Html => {
  const { graph, startedAt, endedAt, causedBy } = run;
  const { mark, sentence, why } = conclude(run, verdicts);
  return html`<header>
    <p class="kicker">Run report <code>${run.id}</code></p>
    <h1>${graph.pipeline}</h1>
    ${graph.description !== "" && html`<p class="lead">${graph.description}</p>`}
    <div class="verdict ${mark.tone}">
      ${icon(mark.icon)}
      <div>
        <p class="sentence">${sentence}</p>
        <p>${why}</p>
      </div>
    </div>
    ${waiting(run)}${problems(run, verdicts)}
    ${facts(
      [
        [
          "Status",
          html`${badge(ofRun[run.status])}${run.status !== "succeeded" && html` <span class="muted">${meaning[run.status]}</span>`}`,
        ],
        ["Started", instant(startedAt)],
        ["Started by", run.startedBy],
        ["Resumed", run.resumedAt?.map(instant).join(", ")],
        ["Took", endedAt === undefined ? "not ended" : between(startedAt, endedAt)],
        ["Stages", stagesInWords(run)],
        ["Findings", findingsInWords(run)],
        [
          "Caused by",
          causedBy &&
            ("signal" in causedBy
              ? html`signal ${causedBy.signal} of run <code>${causedBy.run}</code>`
              : html`trigger ${causedBy.trigger}: ${causedBy.occurrence}`),
        ],
      ],
      "facts strip",
    )}
  </header>`;
};

const stagesInWords = ({ graph, stages }: Run.Run): string => {
  const done = stages.filter(({ status }) => status === "succeeded" || status === "cached");
  const reused = done.filter(({ status }) => status === "cached").length;
  const skipped = stages.filter(({ status }) => status === "skipped").length;
  const total = Math.max(graph.stages.length, stages.length);
  return [
    `${done.length} of ${total} finished`,
    reused === 0 ? "" : `${reused} of them reused`,
    skipped === 0 ? "" : `${skipped} on ${skipped === 1 ? "a branch" : "branches"} not taken`,
  ]
    .filter((part) => part !== "")
    .join(", ");
};

const findingsInWords = ({ stages }: Run.Run): string => {
  const all = stages.flatMap(({ findings }) => findings);
  const of = (severity: string) => all.filter((finding) => finding.severity === severity).length;
  const parts = [
    of("fail") > 0 && count(of("fail"), "failure"),
    of("warn") > 0 && count(of("warn"), "warning"),
    of("info") > 0 && count(of("info"), "note"),
  ].filter((part) => part !== false);
  return parts.length === 0 ? "none" : parts.join(", ");
};

/** What broke, or who said no without a verdict, where the reader begins. */
const problems = ({ stages }: Run.Run, { found }: Verdicts): Html | ReadonlyArray<Html> => {
  // A gate that stopped the run at a verdict says the same as the verdict above.
  const ended = stages.filter(
    ({ failure, status, asks }) =>
      failure !== undefined &&
      (status !== "stopped" || found.length === 0) &&
      (status !== "suspended" || asks === undefined),
  );
  if (ended.length === 0) return nothing;
  return ended.map(
    ({ stage, failure }) =>
      html`<div class="problem">
        <p><strong>${stage}</strong> ended with <code>${failure?.tag}</code></p>
        <pre>${failure?.message}</pre>
      </div>`,
  );
};

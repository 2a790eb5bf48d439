/** The record of the run, stage by stage. */
import type { Run } from "@ml-pipe/core";
import { html, type Html, nothing } from "../html.ts";
import { badge, ofStage } from "../status.ts";
import { textTable } from "../table.ts";
import { between, count, none, number } from "../words.ts";

/** Stages in the order of the graph, also those that the run did not reach. */
export const record = (run: Run.Run): Html => {
  const names = [
    ...new Set(
      [...run.graph.stages, ...run.stages.map(({ stage: name }) => ({ name }))].map(
        ({ name }) => name,
      ),
    ),
  ];
  if (names.length === 0) return html`<p class="empty">This pipeline has no stages.</p>`;
  const rows = names.flatMap((name) => {
    const records = run.stages.filter(({ stage }) => stage === name);
    return records.length === 0 ? [missing(name)] : records.map((each) => row(run, each));
  });
  return textTable(
    [
      { title: "Stage" },
      { title: "Status", class: "narrow" },
      { title: "Took", class: "number" },
      { title: "When", class: "decoration" },
      { title: "Rows", class: "number" },
      { title: "Note", class: "wide" },
    ],
    rows,
    `Record of ${count(names.length, "stage")}`,
  );
};

const missing = (name: string) => [
  html`<strong>${name}</strong>`,
  badge(ofStage["not-reached"]),
  none,
  nothing,
  none,
  "no record in this run",
];

const row = (run: Run.Run, stage: Run.StageRun) => {
  const reached = stage.status !== "not-reached";
  return [
    html`<strong>${stage.stage}</strong>`,
    badge(ofStage[stage.status]),
    reached ? between(stage.startedAt, stage.endedAt) : none,
    reached ? timeline(run, stage) : nothing,
    stage.rows === undefined ? none : number(stage.rows),
    html`${stage.cacheNote}${stage.reusedFrom !== undefined && html` <span class="muted">(from run <code>${stage.reusedFrom}</code>)</span>`}${
      stage.failure !== undefined &&
      html`<p class="failure"><code>${stage.failure.tag}</code></p>
        <pre>${stage.failure.message}</pre>`
    }`,
  ];
};

/** When a stage ran, as a bar in the time of the run. The column before says how long it took. */
const timeline = (run: Run.Run, stage: Run.StageRun): Html => {
  const ends = [run, ...run.stages].map(({ startedAt, endedAt }) =>
    (endedAt ?? startedAt).getTime(),
  );
  const start = run.startedAt.getTime();
  const total = Math.max(...ends) - start;
  const from = (stage.startedAt.getTime() - start) / total;
  const to = ((stage.endedAt ?? stage.startedAt).getTime() - start) / total;
  if (!(from >= 0 && to >= from && to <= 1)) return nothing;
  const percent = (share: number) => `${(share * 100).toFixed(2)}%`;
  return html`<span class="timeline" aria-hidden="true"
    ><span style="left:${percent(Math.min(from, 0.985))};width:${percent(to - from)}"></span
  ></span>`;
};

/** The record of the run, stage by stage. */
import type { Run } from "@ml-pipe/core";
import { html, type Html, nothing } from "../html.ts";
import { badge, ofStage } from "../status.ts";
import { textTable } from "../table.ts";
import { between, count, duration, instant, list, none, number } from "../words.ts";

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
  const reached = stage.status !== "not-reached" && stage.status !== "skipped";
  return [
    html`<strong>${stage.stage}</strong>`,
    badge(ofStage[stage.status]),
    reached ? between(stage.startedAt, stage.endedAt) : none,
    reached ? timeline(run, stage) : nothing,
    stage.rows === undefined ? none : number(stage.rows),
    html`${stage.cacheNote}${stage.stoppedEarly === true && html`, <strong>stopped early</strong>`}${stage.reusedFrom !== undefined && html` <span class="muted">(from run <code>${stage.reusedFrom}</code>)</span>`}${resources(run, stage)}${items(stage)}${attempts(stage)}${failure(stage)}`,
  ];
};

const resources = (run: Run.Run, { stage }: Run.StageRun): Html | false => {
  const asked = run.graph.stages.find(({ name }) => name === stage)?.resources;
  if (asked === undefined) return false;
  const { cores, memoryBytes } = asked;
  const parts = [
    cores === "all" ? "all cores" : count(cores, "core"),
    ...(memoryBytes === 0 ? [] : [`${number(memoryBytes / 2 ** 30)} GiB of memory`]),
  ];
  return html`<p class="muted">Asks for ${list(parts)}</p>`;
};

/** Failed items that are named; more than this belong into a file. */
const mostItems = 20;

const items = (stage: Run.StageRun): Html | false => {
  if (stage.items === undefined) return false;
  const { total, succeeded, cached, failed } = stage.items;
  const words = [
    `${number(succeeded + cached + failed)} of ${count(total, "item")}`,
    cached > 0 ? `${number(cached)} reused` : "",
    failed > 0 ? `${number(failed)} failed` : "",
  ];
  const failures = stage.failure?.items ?? [];
  return html`<p>${words.filter((word) => word !== "").join(", ")}</p>
    ${
      failures.length > 0 &&
      html`<details>
        <summary>Items that failed</summary>
        <ul>
          ${failures.slice(0, mostItems).map(({ key, failure }) => html`<li><strong>${key}</strong> <code>${failure.tag}</code> ${failure.message}</li>`)}${failures.length > mostItems && html`<li>and ${number(failures.length - mostItems)} more</li>`}
        </ul>
      </details>`
    }`;
};

const attempts = ({ attempts: made = [] }: Run.StageRun): Html | false =>
  made.length > 0 &&
  html`<details>
    <summary>${count(made.length + 1, "attempt")}</summary>
    <ul>
      ${made.map(({ failure: { tag, message }, at, delayMs }) => html`<li>${instant(at)} <code>${tag}</code> ${message} <span class="muted">Tried again after ${duration(delayMs)}.</span></li>`)}
    </ul>
  </details>`;

const failure = (stage: Run.StageRun): Html | false =>
  stage.failure !== undefined &&
  html`<p class="failure"><code>${stage.failure.tag}</code></p>
    <pre>${stage.failure.message}</pre>`;

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

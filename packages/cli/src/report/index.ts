/** The report on a run: one HTML file that needs nothing else, made from the run's record alone. */
import type { Run } from "@ml-pipe/core";
import { drawGraph } from "./graph.ts";
import { html, type Html, trusted } from "./html.ts";
import { approvals } from "./sections/approvals.ts";
import { charter } from "./sections/charter.ts";
import { contracts } from "./sections/contracts.ts";
import { evidence } from "./sections/evidence.ts";
import { figures } from "./sections/figures.ts";
import { findings } from "./sections/findings.ts";
import { header } from "./sections/header.ts";
import { leakage } from "./sections/leakage.ts";
import { monitoring } from "./sections/monitoring.ts";
import { record } from "./sections/record.ts";
import { sprite } from "./status.ts";
import { style } from "./style.ts";
import { verdictsOf } from "./verdicts.ts";
import { instant } from "./words.ts";

/**
 * Nothing may load or run, whatever the record says: a second lock behind the escaping. The styles
 * are our own and inline.
 */
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

interface Section {
  readonly id: string;
  readonly title: string;
  readonly lead: string;
  readonly body: Html;
}

const sectionsOf = (run: Run.Run): ReadonlyArray<Section> => {
  const verdicts = verdictsOf(run);
  return [
    {
      id: "charter",
      title: "Charter",
      lead: "Why this pipeline exists, and what the model must achieve to be worth it.",
      body: charter(run),
    },
    {
      id: "evidence",
      title: "Evidence",
      lead: "Each gate asks one question about the model. One that fails rejects it; one that cannot answer leaves it to a person.",
      body: html`${evidence(verdicts)}${approvals(run)}`,
    },
    {
      id: "leakage",
      title: "Leakage",
      lead: "Whether the model could know what it cannot know when it is used.",
      body: leakage(run),
    },
    {
      id: "graph",
      title: "Graph",
      lead: "The stages, what they hand over, and what feeds back.",
      body: drawGraph(run),
    },
    {
      id: "figures",
      title: "Figures",
      lead: "What the stages attached to this run.",
      body: figures(run),
    },
    {
      id: "monitoring",
      title: "Monitoring",
      lead: "Signals over time, and what the hooks on them decided.",
      body: monitoring(run),
    },
    {
      id: "findings",
      title: "Findings",
      lead: "What checks found, and who acts on it.",
      body: findings(run),
    },
    {
      id: "contracts",
      title: "Contracts",
      lead: "What each hand-over of data promises.",
      body: contracts(run),
    },
    {
      id: "record",
      title: "Run record",
      lead: "What ran, what was reused, and how long it took.",
      body: record(run),
    },
  ];
};

/**
 * The report on a run as the text of one HTML file. It works without a network and without scripts,
 * in light, in dark and on paper.
 */
export const renderReport = (run: Run.Run): Promise<string> =>
  Promise.resolve().then(() => page(run).text);

const page = (run: Run.Run): Html => {
  const sections = sectionsOf(run);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>${run.graph.pipeline}: report of run ${run.id}</title>
        <style>
          ${trusted(style)}
        </style>
      </head>
      <body>
        ${sprite}
        <main>
          ${header(run, verdictsOf(run))}
          <nav aria-label="Sections">
            ${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}
          </nav>
          ${sections.map(
            ({ id, title, lead, body }) =>
              html`<section id="${id}" aria-labelledby="${id}-title">
                <h2 id="${id}-title">${title}</h2>
                <p class="lead">${lead}</p>
                ${body}
              </section>`,
          )}
        </main>
        <footer>
          <p>
            ml-pipe. Made from the record of run <code>${run.id}</code>, started
            ${instant(run.startedAt)}, and from nothing else. All times are UTC.
          </p>
        </footer>
      </body>
    </html> `;
};

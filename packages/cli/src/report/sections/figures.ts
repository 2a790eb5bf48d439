/** Every exhibit of every stage, in the order of the run. */
import type { Run } from "@ml-pipe/core";
import { figure } from "../figure.ts";
import { html, type Html } from "../html.ts";

/** The figures of a run, by stage. */
export const figures = ({ stages }: Run.Run): Html => {
  const shown = stages.filter(({ exhibits }) => exhibits.length > 0);
  if (shown.length === 0) return html`<p class="empty">No stage of this run attached a figure.</p>`;
  return html`${shown.map(
    ({ stage, exhibits }, place) =>
      html`<h3>${stage}</h3>
        <div class="figures">
          ${exhibits.map((exhibit, index) => figure(exhibit, `figure-${place + 1}-${index + 1}`))}
        </div>`,
  )}`;
};

/** Many small histograms side by side: what each column looks like, and how it moved. */
import type { Exhibit } from "@ml-pipe/core";
import { html, type Html, nothing, trusted } from "./html.ts";
import { count, day, number, percent, tick } from "./words.ts";

/** Small histograms as data. */
export type HistogramsExhibit = typeof Exhibit.HistogramsExhibit.Type;
type Panel = HistogramsExhibit["panels"][number];

/** More panels than this are not looked at one by one. */
const mostPanels = 60;
const [width, height] = [240, 64];

/** A grid of panels, those that are marked first, and a legend if there are two series. */
export const drawHistograms = ({ series, panels }: HistogramsExhibit, id: string): Html => {
  if (panels.length === 0) return html`<p class="empty">No columns to draw.</p>`;
  const marked = panels.filter((panel) => panel.marked === true);
  const ordered = [...marked, ...panels.filter((panel) => panel.marked !== true)];
  const shown = ordered.slice(0, mostPanels);
  return html`${series.length > 1 && legend(series)}
    <ul class="panels">
      ${shown.map((panel, at) => drawPanel(panel, series, `${id}-panel-${at + 1}`))}
    </ul>
    ${
      ordered.length > shown.length &&
      html`<p class="note">
        The first ${number(shown.length)} of ${count(ordered.length, "column")}.
      </p>`
    }`;
};

const legend = ([first, second]: ReadonlyArray<string>): Html =>
  html`<ul class="legend">
    <li>
      <svg viewBox="0 0 26 10" width="26" height="10" aria-hidden="true">
        <rect x="2" y="1" width="22" height="8" fill="var(--muted)" fill-opacity=".32" /></svg
      >${first}
    </li>
    <li>
      <svg viewBox="0 0 26 10" width="26" height="10" aria-hidden="true">
        <path d="M2 5H24" stroke="var(--s2)" stroke-width="2" /></svg
      >${second}
    </li>
  </ul>`;

const drawPanel = (panel: Panel, series: ReadonlyArray<string>, id: string): Html => {
  const { name, about, marked, facts } = panel;
  return html`<li class="panel${panel.shares.length > 1 && " two"}${marked === true && " marked"}">
    <h5>${name}</h5>
    <p class="about">${about}</p>
    ${panel.bins.kind === "category" ? drawCategories(panel, panel.bins.labels) : drawBins(panel, panel.bins.edges, series, id)}
    <div class="facts">
      ${facts.map(([label, value]) => html`<span>${label} <b>${value}</b></span>`)}
    </div>
  </li>`;
};

const empty = html`<p class="empty">No values.</p>`;

const drawBins = (
  { name, bins, shares }: Panel,
  edges: ReadonlyArray<number>,
  series: ReadonlyArray<string>,
  id: string,
): Html => {
  const largest = Math.max(0, ...shares.flat());
  const count = edges.length - 1;
  if (!(largest > 0) || count < 1) return empty;
  const x = (edge: number) => (edge / count) * width;
  const y = (share: number) => height - (share / largest) * (height - 3);
  const [first = [], second] = shares;
  // Numbers only, so that nothing of the run reaches the markup unescaped.
  const gap = count > 40 ? 0 : 1;
  const filled = first
    .map((share, bin) =>
      share > 0
        ? `<rect class="first" x="${fixed(x(bin))}" y="${fixed(y(share))}" width="${fixed(x(1) - gap)}" height="${fixed(height - y(share))}"/>`
        : "",
    )
    .join("");
  const outline =
    second === undefined
      ? ""
      : `<path class="second" d="M0 ${height}${second.map((share, bin) => `V${fixed(y(share))}H${fixed(x(bin + 1))}`).join("")}V${height}"/>`;
  const ends = [edges[0] ?? 0, edges.at(-1) ?? 0].map((edge) =>
    bins.kind === "time" ? day(new Date(edge)) : tick(edge),
  );
  const text = shares.map((each, at) => {
    const peak = each.indexOf(Math.max(...each));
    return `${series[at] ?? ""} peak near ${tick(edges[peak] ?? 0)}`;
  });
  return html`<svg
      class="small"
      role="img"
      aria-labelledby="${id}"
      viewBox="0 0 ${width} ${height}"
      preserveAspectRatio="none"
    >
      <title id="${id}">Histogram of ${name}, from ${ends.join(" to ")}; ${text.join(", ")}.</title>
      ${trusted(filled + outline)}
    </svg>
    <div class="ends">${ends.map((end) => html`<span>${end}</span>`)}</div>`;
};

const fixed = (value: number): string => value.toFixed(1);

/** `12 %`, or `12 → 34 %`. */
const shareText = (shares: ReadonlyArray<number>): string =>
  shares
    .map((share, at) => (at < shares.length - 1 ? percent(share).slice(0, -2) : percent(share)))
    .join(" → ");

const drawCategories = ({ shares }: Panel, labels: ReadonlyArray<string>): Html => {
  const largest = Math.max(0, ...shares.flat());
  if (labels.length === 0) return nothing;
  if (!(largest > 0)) return empty;
  return html`<div class="shares">
    ${labels.map((label, bin) => {
      const own = shares.map((each) => each[bin] ?? 0);
      return html`<span class="label" title="${label}"
          >${label === "" ? html`<i>empty</i>` : label}</span
        >
        <span class="track">
          ${own.map((share, at) => html`<span class="${at === 0 ? "first" : "second"}" style="width:${fixed((100 * share) / largest)}%"></span>`)}
        </span>
        <span class="share">${shareText(own)}</span>`;
    })}
  </div>`;
};

/** One exhibit as a figure: its title, the drawing, the caption, and the numbers behind it. */
import type { Exhibit } from "@ml-pipe/core";
import { type BarExhibit, drawBars } from "./bar.ts";
import { drawHistograms } from "./histograms.ts";
import { html, type Html, nothing } from "./html.ts";
import { drawLine, type LineExhibit, valueOn } from "./line.ts";
import { dataTable } from "./table.ts";

type TableExhibit = typeof Exhibit.TableExhibit.Type;
type Cell = TableExhibit["rows"][number][number];

/** A chart with at most this many points also lists them. */
const mostListed = 120;

/** Draws an exhibit. `id` is its own in the page. */
export const figure = (exhibit: Exhibit.Exhibit, id: string): Html => {
  const { title, caption } = exhibit;
  return html`<figure
    class="${exhibit._tag}${isBroad(exhibit) && " broad"}"
    id="${id}"
    aria-labelledby="${id}-heading"
  >
    <figcaption>
      <h4 id="${id}-heading">${title}</h4>
      ${caption !== undefined && html`<p class="caption">${caption}</p>`}
    </figcaption>
    ${drawn(exhibit, id)}
  </figure>`;
};

/** What needs the width of the page. */
const isBroad = (exhibit: Exhibit.Exhibit): boolean =>
  exhibit._tag === "histograms" || (exhibit._tag === "table" && charactersAcross(exhibit) > 68);

/** About the width of a table, in characters: longer text breaks into lines, and columns stand apart. */
const charactersAcross = ({ columns, rows }: TableExhibit): number =>
  columns.reduce((sum, title, place) => {
    const cells = [title, ...rows.map((row) => String(row[place] ?? ""))];
    return sum + 4 + cells.reduce((most, cell) => Math.max(most, Math.min(cell.length, 34)), 0);
  }, 0);

const drawn = (exhibit: Exhibit.Exhibit, id: string): Html => {
  switch (exhibit._tag) {
    case "line":
      return html`${drawLine(exhibit, id)}${numbers(linePoints(exhibit))}`;
    case "bar":
      return html`${drawBars(exhibit, id)}${numbers(barValues(exhibit))}`;
    case "histograms":
      return drawHistograms(exhibit, id);
    case "table":
      return dataTable(exhibit.columns, exhibit.rows, exhibit.title);
  }
};

/** The numbers of a chart, for readers who want them or do not see the chart. */
const numbers = (table: Pick<TableExhibit, "columns" | "rows" | "title">): Html =>
  table.rows.length === 0 || table.rows.length > mostListed
    ? nothing
    : html`<details>
        <summary>Numbers</summary>
        ${dataTable(table.columns, table.rows, table.title)}
      </details>`;

const linePoints = ({ title, x, y, series }: LineExhibit) => ({
  title,
  columns: series.length > 1 ? ["series", x.label, y.label] : [x.label, y.label],
  rows: series.flatMap(({ name, points }) =>
    points.map(([px, py]): ReadonlyArray<Cell> => {
      const at = x.kind === "time" ? valueOn(x, px) : px;
      const value = y.kind === "time" ? valueOn(y, py) : py;
      return series.length > 1 ? [name, at, value] : [at, value];
    }),
  ),
});

const barValues = ({ title, value, bars }: BarExhibit) => {
  const intervals = bars.some(({ lower, upper }) => lower !== undefined || upper !== undefined);
  return {
    title,
    columns: ["", value.label, ...(intervals ? ["lower", "upper"] : [])],
    rows: bars.map((bar): ReadonlyArray<Cell> => [
      bar.name,
      bar.value,
      ...(intervals ? [bar.lower ?? null, bar.upper ?? null] : []),
    ]),
  };
};

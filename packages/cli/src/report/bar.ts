/** Horizontal bars with intervals. */
import type { Exhibit } from "@ml-pipe/core";
import * as Plot from "@observablehq/plot";
import { html, type Html } from "./html.ts";
import { plot } from "./plot.ts";
import { column, count, cut, number, tick } from "./words.ts";

/** A bar chart as data. */
export type BarExhibit = typeof Exhibit.BarExhibit.Type;
type Bar = BarExhibit["bars"][number];

/** More bars than this are not read one by one. */
const mostBars = 40;
const rowHeight = 26;

/** A bar chart, and notes on what is not drawn. */
export const drawBars = (exhibit: BarExhibit, id: string): Html => {
  const log = exhibit.value.kind === "log";
  const fits = (value: number) => Number.isFinite(value) && (!log || value > 0);
  const drawable = exhibit.bars.filter(({ value }) => fits(value));
  const bars = drawable.slice(0, mostBars);
  if (bars.length === 0) return html`<p class="empty">No bars to draw.</p>`;
  const notes = [
    exhibit.bars.length > drawable.length &&
      `${count(exhibit.bars.length - drawable.length, "bar")} cannot be shown on this axis.`,
    drawable.length > bars.length &&
      `The first ${number(bars.length)} of ${number(drawable.length)} bars.`,
  ].filter((note) => note !== false);
  return html`${plot(options(exhibit, bars, log, fits), {
    id,
    title: exhibit.title,
    text: describe(exhibit, bars),
    x: exhibit.value.label,
  })}${notes.map((note) => html`<p class="note">${note}</p>`)}`;
};

const describe = ({ value, reference }: BarExhibit, bars: ReadonlyArray<Bar>): string =>
  [
    `Bar chart of ${value.label}.`,
    ...bars.map((bar) => `${bar.name}: ${number(bar.value)}${interval(bar)}.`),
    reference === undefined ? "" : `Reference ${reference.label} at ${number(reference.value)}.`,
  ].join(" ");

/** `, 95 to 99`, if the bar has an interval. */
const interval = ({ lower, upper }: Bar): string =>
  lower === undefined && upper === undefined
    ? ""
    : ` (${lower === undefined ? "no lower bound" : number(lower)} to ${upper === undefined ? "no upper bound" : number(upper)})`;

const options = (
  exhibit: BarExhibit,
  bars: ReadonlyArray<Bar>,
  log: boolean,
  fits: (value: number) => boolean,
): Plot.PlotOptions => {
  const names = bars.map(({ name }) => cut(name, 26));
  const words = column(bars.map(({ value }) => value));
  const longest = Math.max(...names.map((name) => name.length));
  const widest = Math.max(...bars.map(({ value }) => words(value).length));
  const reference =
    exhibit.reference === undefined ? [] : [exhibit.reference].filter((r) => fits(r.value));
  // Rows are numbered: two bars of one name are two bars.
  const rows = bars.map((bar, index) => ({
    index,
    value: bar.value,
    lower: bar.lower !== undefined && fits(bar.lower) ? bar.lower : bar.value,
    upper: bar.upper !== undefined && fits(bar.upper) ? bar.upper : bar.value,
  }));
  const whiskers = rows.filter(({ lower, upper }) => lower !== upper);
  const y = "index";
  // The label of the reference stays inside of the drawing.
  const ends = [...rows.flatMap(({ lower, upper }) => [lower, upper]), ...(log ? [] : [0])];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const place = ((exhibit.reference?.value ?? low) - low) / (high - low);
  const anchor = place > 0.65 ? "end" : place < 0.35 ? "start" : "middle";
  return {
    width: 500,
    height: 58 + rows.length * rowHeight,
    marginLeft: Math.min(226, 18 + longest * 8),
    marginRight: 22 + widest * 7.5,
    marginTop: 30,
    marginBottom: 26,
    x: {
      type: log ? "log" : "linear",
      label: null,
      tickSize: 0,
      ticks: 4,
      tickFormat: tick,
      grid: true,
      nice: true,
    },
    y: {
      type: "band",
      domain: rows.map(({ index }) => index),
      label: null,
      tickSize: 0,
      padding: 0.32,
      tickFormat: (index: number) => names[index] ?? "",
    },
    marks: [
      // A logarithmic axis has no zero for a bar to start from.
      ...(log
        ? [Plot.dot(rows, { x: "value", y, r: 4, fill: "var(--s1)" })]
        : [
            Plot.barX(rows, { x: "value", y, className: "bars", rx: 2 }),
            Plot.ruleX([0], { className: "axis-line" }),
          ]),
      Plot.ruleX(reference, { x: "value", className: "reference" }),
      Plot.ruleY(whiskers, { x1: "lower", x2: "upper", y, className: "whisker" }),
      Plot.tickX(whiskers, { x: "lower", y, insetTop: 5, insetBottom: 5, className: "whisker" }),
      Plot.tickX(whiskers, { x: "upper", y, insetTop: 5, insetBottom: 5, className: "whisker" }),
      Plot.text(rows, {
        y,
        text: ({ value }: { readonly value: number }) => words(value),
        frameAnchor: "right",
        textAnchor: "end",
        dx: 14 + widest * 7.5,
        className: "value-label",
      }),
      Plot.text(reference, {
        x: "value",
        text: ({ label }: { readonly label: string }) => cut(label, 40),
        frameAnchor: "top",
        dy: -12,
        textAnchor: anchor,
        className: "reference-label",
      }),
    ],
  };
};

/** Charts of lines: series over a common x axis, with reference lines and the diagonal. */
import type { Exhibit } from "@ml-pipe/core";
import * as Plot from "@observablehq/plot";
import { html, type Html, nothing } from "./html.ts";
import { plot } from "./plot.ts";
import { count, cut, day, number, tick } from "./words.ts";

/** A chart of lines as data. */
export type LineExhibit = typeof Exhibit.LineExhibit.Type;
type Axis = LineExhibit["x"];
type XY = readonly [number, number];

interface Series {
  readonly name: string;
  readonly points: ReadonlyArray<XY>;
  readonly marks: boolean;
  readonly style: Style;
}

/** A point to look at, such as a decision to act. */
export interface Highlight {
  readonly x: number;
  readonly y: number;
  readonly label: string;
}

interface Style {
  readonly color: string;
  readonly dash: string | undefined;
}

/** More points than this are not seen on paper. */
const mostPoints = 800;
const dashes = [undefined, "7 3", "2 3", "9 3 2 3"];

/** Colour and dashes of the series at a place: told apart without colour, too. */
const styleOf = (index: number): Style => ({
  color: `var(--s${(index % 6) + 1})`,
  dash: dashes[index % dashes.length],
});

const onAxis =
  (axis: Axis) =>
  (value: number): boolean =>
    Number.isFinite(value) && (axis.kind !== "log" || value > 0);

/**
 * At most about `mostPoints` points that draw the same line: of each section the first, the last, the
 * lowest and the highest (M4, Jugel et al., VLDB 2014).
 */
export const thin = (points: ReadonlyArray<XY>, most = mostPoints): ReadonlyArray<XY> => {
  if (points.length <= most) return points;
  const size = Math.ceil(points.length / (most / 4));
  const kept: Array<XY> = [];
  for (let start = 0; start < points.length; start += size) {
    const section = points.slice(start, start + size);
    let [low, high] = [0, 0];
    section.forEach(([, y], index) => {
      if (y < (section[low]?.[1] ?? y)) low = index;
      if (y > (section[high]?.[1] ?? y)) high = index;
    });
    const places = [...new Set([0, low, high, section.length - 1])].toSorted((a, b) => a - b);
    for (const place of places) {
      const point = section[place];
      if (point !== undefined) kept.push(point);
    }
  }
  return kept;
};

/** A line chart, its legend, and notes on what is not drawn. */
export const drawLine = (
  exhibit: LineExhibit,
  id: string,
  highlights: ReadonlyArray<Highlight> = [],
): Html => {
  const { x, y } = exhibit;
  const [fitsX, fitsY] = [onAxis(x), onAxis(y)];
  const whole = exhibit.series.map(({ points }) =>
    points.filter((p) => fitsX(p[0]) && fitsY(p[1])),
  );
  const series = exhibit.series.map(({ name, marks }, index): Series => {
    const points = thin(whole[index] ?? []);
    return { name, points, marks: marks === true || points.length === 1, style: styleOf(index) };
  });
  const given = exhibit.series.reduce((sum, { points }) => sum + points.length, 0);
  const drawable = whole.reduce((sum, points) => sum + points.length, 0);
  const drawn = series.reduce((sum, { points }) => sum + points.length, 0);
  if (drawn === 0) return html`<p class="empty">No points to draw.</p>`;
  const notes = [
    given > drawable &&
      `${count(given - drawable, "point")} cannot be shown on ${x.kind === "log" || y.kind === "log" ? "a logarithmic axis" : "these axes"}.`,
    drawable > drawn &&
      `Drawn with ${number(drawn)} of ${number(drawable)} points; extremes are kept.`,
  ].filter((note) => note !== false);
  return html`${legend(series)}${plot(options(exhibit, series, highlights), {
    id,
    title: exhibit.title,
    text: describe(exhibit, series, highlights),
    x: x.label,
    y: y.label,
  })}${notes.map((note) => html`<p class="note">${note}</p>`)}`;
};

const legend = (series: ReadonlyArray<Series>): Html =>
  series.length < 2
    ? nothing
    : html`<ul class="legend">
        ${series.map(
          ({ name, style, marks }) =>
            html`<li>
              <svg viewBox="0 0 26 10" width="26" height="10" aria-hidden="true">
                <path
                  d="M1 5H25"
                  fill="none"
                  stroke="${style.color}"
                  stroke-width="2"
                  ${style.dash === undefined ? nothing : html` stroke-dasharray="${style.dash}"`}
                />
                ${marks && html`<circle cx="13" cy="5" r="3" fill="${style.color}" />`}</svg
              >${name}
            </li>`,
        )}
      </ul>`;

const describe = (
  { x, y, rules = [], diagonal }: LineExhibit,
  series: ReadonlyArray<Series>,
  highlights: ReadonlyArray<Highlight>,
) =>
  [
    `Line chart of ${y.label} by ${x.label}.`,
    ...series.slice(0, 12).map(({ name, points }) => {
      const [first, last] = [points[0], points.at(-1)];
      if (first === undefined || last === undefined) return `${name}: no points.`;
      const at = ([px, py]: XY) => `${number(py)} at ${valueOn(x, px)}`;
      return `${name}: from ${at(first)} to ${at(last)}.`;
    }),
    ...rules.map((rule) => `Reference line ${rule.label} at ${number(rule.y)}.`),
    ...highlights.map((each) => `${each.label} at ${valueOn(x, each.x)}.`),
    ...(diagonal === true ? ["The diagonal shows perfect agreement."] : []),
  ].join(" ");

/** A value of an axis in words. */
export const valueOn = (axis: Axis, value: number): string =>
  axis.kind === "time" ? day(new Date(value)) : number(value);

const extent = (values: ReadonlyArray<number>): readonly [number, number] =>
  values.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );

/** The range of an axis; a single value gets room on both sides. */
const domainOf = (axis: Axis, values: ReadonlyArray<number>): [number, number] => {
  const [low, high] = extent(values);
  if (low < high) return [low, high];
  if (axis.kind === "time") return [low - 86_400_000, high + 86_400_000];
  if (axis.kind === "log") return [low / 2, high * 2];
  const room = Math.abs(low) * 0.1 || 1;
  return [low - room, high + room];
};

/** Shares start at 0; other quantities start where they are. */
const fromZero = (axis: Axis, [low, high]: [number, number]): [number, number] =>
  axis.kind === undefined && low > 0 && low < high * 0.5 ? [0, high] : [low, high];

/** The powers of ten around a range, at most about six of them. */
const powers = ([low, high]: [number, number]): ReadonlyArray<number> => {
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const step = Math.max(1, Math.ceil((to - from) / 6));
  return Array.from(
    { length: Math.floor((to - from) / step) + 1 },
    (_, n) => 10 ** (from + n * step),
  );
};

const scaleOf = (axis: Axis, domain: [number, number]): Plot.ScaleOptions => {
  const common = { label: null, tickSize: 0 };
  const dates = domain.map((value) => new Date(value));
  if (axis.kind === "time") return { ...common, type: "utc", domain: dates, ticks: 5 };
  if (axis.kind === "log")
    return { ...common, type: "log", domain, nice: true, ticks: powers(domain), tickFormat: tick };
  return { ...common, type: "linear", domain, nice: true, ticks: 5, tickFormat: tick };
};

const options = (
  exhibit: LineExhibit,
  series: ReadonlyArray<Series>,
  highlights: ReadonlyArray<Highlight>,
): Plot.PlotOptions => {
  const rules = (exhibit.rules ?? []).filter(({ y }) => onAxis(exhibit.y)(y));
  const points = series.flatMap(({ points }) => points);
  let xs = fromZero(
    exhibit.x,
    domainOf(
      exhibit.x,
      points.map(([x]) => x),
    ),
  );
  let ys = fromZero(
    exhibit.y,
    domainOf(exhibit.y, [...points.map(([, y]) => y), ...rules.map(({ y }) => y)]),
  );
  const toX = (value: number) => (exhibit.x.kind === "time" ? new Date(value) : value);
  // The diagonal says "equal" only where both axes speak of the same quantity, on the same range.
  const agree = exhibit.diagonal === true && exhibit.x.kind === exhibit.y.kind;
  if (agree) xs = ys = [Math.min(xs[0], ys[0]), Math.max(xs[1], ys[1])];
  return {
    width: 500,
    height: 300,
    marginLeft: 50,
    marginRight: 18,
    marginTop: 14,
    marginBottom: 34,
    insetTop: 4,
    x: scaleOf(exhibit.x, xs),
    y: { ...scaleOf(exhibit.y, ys), grid: true },
    marks: [
      Plot.frame({ anchor: "bottom", className: "axis-line" }),
      ...(agree ? [Plot.line(xs, { x: toX, y: Number, className: "diagonal" })] : []),
      Plot.ruleY(rules, { y: "y", className: "reference" }),
      ...series.map(({ points, style }) =>
        Plot.line(points, {
          x: ([x]: XY) => toX(x),
          y: ([, y]: XY) => y,
          stroke: style.color,
          strokeWidth: 2,
          ...(style.dash === undefined ? {} : { strokeDasharray: style.dash }),
        }),
      ),
      ...series
        .filter(({ marks }) => marks)
        .map(({ points, style }) =>
          Plot.dot(points, {
            x: ([x]: XY) => toX(x),
            y: ([, y]: XY) => y,
            r: 3,
            fill: style.color,
          }),
        ),
      Plot.dot(highlights, {
        x: ({ x }: Highlight) => toX(x),
        y: "y",
        r: 7,
        className: "highlight",
      }),
      Plot.text(highlights, {
        x: ({ x }: Highlight) => toX(x),
        y: "y",
        text: "label",
        dy: -16,
        className: "highlight-label",
      }),
      ...ruleLabels(rules, ys),
    ],
  };
};

/** Labels stand on their line; of two close lines the lower one's label hangs below it. */
const ruleLabels = (rules: NonNullable<LineExhibit["rules"]>, [low, high]: [number, number]) =>
  rules.map(({ y, label }) => {
    const crowded = rules.some((other) => other.y > y && other.y - y < (high - low) * 0.09);
    return Plot.text([{ y }], {
      y: "y",
      text: () => cut(label, 44),
      frameAnchor: "right",
      lineAnchor: crowded ? "top" : "bottom",
      dy: crowded ? 4 : -4,
      className: "reference-label",
    });
  });

/** Observable Plot without a browser: a chart becomes the text of one SVG element. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom/worker";
import { html, type Html, trusted } from "./html.ts";

/** What we use of an element; the compiler has no DOM here. */
interface Element {
  readonly innerHTML: string;
  readonly attributes: Iterable<{ readonly name: string; value: string }>;
  readonly querySelectorAll: (selector: string) => Iterable<Element>;
  readonly remove: () => void;
}

/** What a reader who does not see the chart is told, and a name for the elements that say it. */
export interface Description {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** Labels of the axes: beside the drawing, where they break into lines. */
  readonly x: string;
  readonly y?: string;
}

const numbersIn = new Set([
  "d",
  "transform",
  "x",
  "x1",
  "x2",
  "y",
  "y1",
  "y2",
  "cx",
  "cy",
  "width",
  "height",
]);
const rounded = (text: string): string =>
  text.replaceAll(/-?\d+\.\d{2,}/g, (digits) => String(Math.round(Number(digits) * 10) / 10));

/**
 * Draws a chart. Colours are CSS, so that one drawing serves light, dark and paper.
 *
 * Text of the run reaches the drawing only as text and attributes, which linkedom escapes. It does not
 * escape a `<title>`, so marks must not have one: the title of the drawing is ours.
 */
export const plot = (options: Plot.PlotOptions, { id, title, text, x, y }: Description): Html => {
  const { document } = parseHTML("<html><body></body></html>");
  const svg: Element = Plot.plot({ ...options, document, className: "plot" });
  for (const style of svg.querySelectorAll("style, title")) style.remove();
  for (const element of svg.querySelectorAll("*")) {
    for (const attribute of element.attributes) {
      if (numbersIn.has(attribute.name)) attribute.value = rounded(attribute.value);
    }
  }
  const [width, height] = [options.width ?? 640, options.height ?? 400];
  return html`${y !== undefined && y !== "" && html`<p class="axis">${y}</p>`}<svg
      class="plot"
      role="img"
      aria-labelledby="${id}-title ${id}-desc"
      viewBox="0 0 ${width} ${height}"
      width="${width}"
      height="${height}"
      fill="currentColor"
      text-anchor="middle"
    >
      <title id="${id}-title">${title}</title>
      <desc id="${id}-desc">${text}</desc>
      ${trusted(svg.innerHTML)}</svg
    >${x !== "" && html`<p class="axis x">${x}</p>`}`;
};

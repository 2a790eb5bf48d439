/** Observable Plot without a browser: a chart becomes the text of one SVG element. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom/worker";
import { html, type Html, trusted } from "./html.ts";

/** What we use of an element; the compiler has no DOM here. */
interface Element {
  readonly outerHTML: string;
  readonly attributes: Iterable<{ readonly name: string; value: string }>;
  readonly querySelectorAll: (selector: string) => Iterable<Element>;
  readonly setAttribute: (name: string, value: string) => void;
  readonly insertAdjacentHTML: (where: "afterbegin", markup: string) => void;
  readonly remove: () => void;
}

/** What a reader who does not see the chart is told, and a name for the elements that say it. */
export interface Description {
  readonly id: string;
  readonly title: string;
  readonly text: string;
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

/** Draws a chart. Colours are CSS, so that one drawing serves light, dark and paper. */
export const plot = (options: Plot.PlotOptions, { id, title, text }: Description): Html => {
  const { document } = parseHTML("<html><body></body></html>");
  const svg: Element = Plot.plot({ ...options, document, className: "plot" });
  for (const style of svg.querySelectorAll("style")) style.remove();
  for (const element of svg.querySelectorAll("*")) {
    for (const attribute of element.attributes) {
      if (numbersIn.has(attribute.name)) attribute.value = rounded(attribute.value);
    }
  }
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-labelledby", `${id}-title ${id}-desc`);
  svg.insertAdjacentHTML(
    "afterbegin",
    html`<title id="${id}-title">${title}</title><desc id="${id}-desc">${text}</desc>`.text,
  );
  return trusted(svg.outerHTML);
};

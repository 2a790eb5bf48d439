/**
 * HTML as values. Text that is put into a template is escaped, always: a report shows column names,
 * messages and rows that other people wrote.
 */

/** Markup that is safe to put into a page as it is. Made by {@link html} and {@link trusted} only. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** What a template takes. Nothing is shown for `undefined`, `null`, `false` and numbers that are not finite. */
export type Child = Html | string | number | false | null | undefined | ReadonlyArray<Child>;

/** Shows nothing. */
export const nothing = new Html("");

/**
 * A template: its own text is markup, everything put into it is escaped. Put values of attributes in
 * double quotes.
 */
export const html = (strings: TemplateStringsArray, ...children: ReadonlyArray<Child>): Html =>
  new Html(String.raw({ raw: compact(strings) }, ...children.map(textOf)));

/** Templates are indented for who reads the source; the page does not need it. */
const compact = (strings: TemplateStringsArray): ReadonlyArray<string> => {
  const known = compacted.get(strings);
  if (known !== undefined) return known;
  const lines = strings.map((text) => text.replaceAll(/\n\s+/g, "\n"));
  compacted.set(strings, lines);
  return lines;
};
const compacted = new WeakMap<TemplateStringsArray, ReadonlyArray<string>>();

/**
 * Declares markup to be safe. For what a library serialized with its own escaping, and for constants;
 * never for text from a run.
 */
export const trusted = (markup: string): Html => new Html(markup);

/** Children one after another, with nothing or `separator` between them. */
export const join = (children: ReadonlyArray<Child>, separator: Child = nothing): Html =>
  new Html(children.map(textOf).join(textOf(separator)));

const textOf = (child: Child): string => {
  if (child instanceof Html) return child.text;
  if (typeof child === "string") return escape(child);
  if (typeof child === "number") return Number.isFinite(child) ? String(child) : "";
  if (child === undefined || child === null || child === false) return "";
  return child.map(textOf).join("");
};

const entities = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

/** Control characters are not text in HTML; a report that was cut in half by one helps nobody. */
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F]/g;

/** Text that reads the same in an element and in a quoted attribute. */
export const escape = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(control, "\u{FFFD}")
    .replaceAll(/[&<>"']/g, (character) => entities.get(character) ?? "");

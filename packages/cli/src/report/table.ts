/** Tables: of data, which may scroll sideways, and of text, which stack up on a narrow page. */
import { type Child, html, type Html } from "./html.ts";
import { column, none, number } from "./words.ts";

type Cell = string | number | null;

/** More rows than this belong into a file. */
const mostRows = 200;

/**
 * A table of text and numbers. Columns that hold only numbers are aligned at the right, with the same
 * number of decimals.
 */
export const dataTable = (
  columns: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<Cell>>,
  label: string,
): Html => {
  const shown = rows.slice(0, mostRows);
  const width = Math.max(columns.length, ...shown.map((row) => row.length));
  const forms = Array.from({ length: width }, (_, place) => formOf(shown.map((row) => row[place])));
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">
      <table class="data">
        <thead>
          <tr>
            ${forms.map(({ numeric }, place) => html`<th scope="col" class="${numeric ? "number" : "plain"}">${columns[place]}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${shown.map(
            (row) =>
              html`<tr>
                ${forms.map(({ numeric, text }, place) => html`<td class="${numeric ? "number" : isLong(row[place]) ? "long" : "plain"}">${text(row[place] ?? null)}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${rows.length === 0 && html`<p class="empty">No rows.</p>`}${rows.length > mostRows && html`<p class="note">The first ${number(mostRows)} of ${number(rows.length)} rows.</p>`}`;
};

/** Longer text breaks into lines; shorter text, such as a date, never does. */
const isLong = (cell: Cell | undefined): boolean => typeof cell === "string" && cell.length > 36;

const formOf = (cells: ReadonlyArray<Cell | undefined>) => {
  const given = cells.filter((cell) => cell !== null && cell !== undefined);
  const numbers = given.filter((cell) => typeof cell === "number");
  const aligned = column(numbers);
  return {
    numeric: given.length > 0 && numbers.length === given.length,
    text: (cell: Cell): string =>
      cell === null ? none : typeof cell === "number" ? aligned(cell) : cell,
  };
};

/** A column of a table of text. */
export interface Heading {
  readonly title: string;
  /** `narrow`: our own words, on one line. `decoration`: not shown where there is no room. */
  readonly class?: "number" | "wide" | "narrow" | "short" | "decoration";
}

/** A table of text. On a narrow page every row becomes a block whose cells name their column. */
export const textTable = (
  headings: ReadonlyArray<Heading>,
  rows: ReadonlyArray<ReadonlyArray<Child>>,
  label: string,
): Html =>
  html`<table class="text" role="table" aria-label="${label}">
    <thead role="rowgroup">
      <tr role="row">
        ${headings.map((heading) => html`<th role="columnheader" scope="col" class="${heading.class ?? "plain"}">${heading.title}</th>`)}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${rows.map(
        (row) =>
          html`<tr role="row">
            ${row.map((cell, place) => html`<td role="cell" class="${headings[place]?.class ?? "plain"}" data-label="${headings[place]?.title ?? ""}">${inCell(cell)}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;

/** One element, so that a narrow page sets it next to its label; an empty cell stays empty. */
const inCell = (cell: Child): Html => {
  const content = html`${cell}`;
  return content.text === "" ? content : html`<div>${content}</div>`;
};

/** Terms and what they are; leaves out what is not given. */
export const facts = (
  entries: ReadonlyArray<readonly [term: string, value: Child]>,
  className = "facts",
): Html =>
  html`<dl class="${className}">
    ${entries
      .filter(([, value]) => value !== undefined && value !== "")
      .map(
        ([term, value]) =>
          html`<div>
            <dt>${term}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
  </dl>`;

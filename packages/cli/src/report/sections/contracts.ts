/** What was promised on the edges of the graph. */
import { type Column, Contract, type Run } from "@ml-pipe/core";
import * as Schema from "effect/Schema";
import { type Child, html, type Html, nothing } from "../html.ts";
import { badge, ofSeverity } from "../status.ts";
import { facts, textTable } from "../table.ts";
import { count, cut, duration, list, none, number } from "../words.ts";

const decode = Schema.decodeUnknownResult(Contract.ContractSpec);

/** The contracts of a run's graph. */
export const contracts = (run: Run.Run): Html => {
  const entries = Object.entries(run.graph.contracts);
  if (entries.length === 0)
    return html`<p class="empty">No value in this graph is under a contract.</p>`;
  return html`${entries.map(([name, json]) => {
    const decoded = decode(json);
    return decoded._tag === "Success"
      ? oneContract(decoded.success, edgesOf(run, name))
      : html`<article class="contract">
          <h3>${name}</h3>
          <p class="problem">This contract was recorded in a form that this version cannot read.</p>
        </article>`;
  })}`;
};

/** Where values under a contract go, such as `ingest → validate`. */
const edgesOf = ({ graph }: Run.Run, contract: string): ReadonlyArray<string> => [
  ...new Set(
    graph.stages.flatMap(({ name, inputs }) =>
      inputs
        .filter((input) => input.contract === contract)
        .map(({ from }) => `${from.stage} → ${name}`),
    ),
  ),
];

const oneContract = (spec: Contract.ContractSpec, edges: ReadonlyArray<string>): Html => {
  const columns = Object.entries(spec.columns);
  return html`<article class="contract">
    <h3>${spec.name} <span class="muted">version ${spec.version}</span></h3>
    ${spec.description !== undefined && html`<p class="caption">${spec.description}</p>`}
    ${facts(
      [
        ["Owner", spec.owner],
        ["Consumers", spec.consumers.length === 0 ? "none named" : list(spec.consumers)],
        [
          "Freshness",
          spec.freshnessMs === undefined
            ? "not promised"
            : `at most ${duration(spec.freshnessMs)} old`,
        ],
        ["Rows", rowsOf(spec)],
        ["Event time", code(spec.eventTime)],
        ["Readable from", code(spec.knownAt)],
        ["Label", code(spec.label)],
        ["Group", code(spec.group)],
        ["Key", code(spec.key?.join(", "))],
        ["On", edges.length === 0 ? undefined : edges.join(", ")],
      ],
      "facts strip small",
    )}
    ${columns.length === 0 ? html`<p class="empty">No columns.</p>` : columnTable(spec.name, columns)}
    ${expectationTable(spec)}
  </article>`;
};

const code = (text: string | undefined): Html | undefined =>
  text === undefined || text === "" ? undefined : html`<code>${text}</code>`;

/** What must hold beside the columns' own limits, in words. */
const expectationTable = ({ name, owner, expectations = [] }: Contract.ContractSpec): Child =>
  expectations.length > 0 &&
  textTable(
    [
      { title: "Expectation" },
      { title: "What must hold", class: "wide" },
      { title: "If not", class: "narrow" },
      { title: "Answers", class: "narrow" },
    ],
    expectations.map((check) => [
      html`<code>${check.name}</code>`,
      Contract.expectationText(check),
      badge(ofSeverity[check.severity]),
      check.owner ?? owner,
    ]),
    `${count(expectations.length, "expectation")} of ${name}`,
  );

const rowsOf = ({ minRows, maxRows }: Contract.ContractSpec): string | undefined => {
  if (minRows === undefined)
    return maxRows === undefined ? undefined : `at most ${number(maxRows)}`;
  return maxRows === undefined
    ? `at least ${number(minRows)}`
    : `${number(minRows)} to ${number(maxRows)}`;
};

const columnTable = (
  contract: string,
  columns: ReadonlyArray<readonly [string, Column.ColumnSpec]>,
): Html =>
  textTable(
    [
      { title: "Column" },
      { title: "Type", class: "narrow" },
      { title: "Unit", class: "short" },
      { title: "Known", class: "narrow" },
      { title: "Empty", class: "narrow" },
      { title: "Limits" },
      { title: "Seen by", class: "narrow" },
      { title: "Meaning", class: "wide" },
    ],
    columns.map(([name, column]) => [
      html`<code>${name}</code>`,
      column.zone === undefined ? column.type : `${column.type}, read in ${column.zone}`,
      column.unit ?? nothing,
      known(column.availableAt),
      column.nullable ? "allowed" : "never",
      limits(column),
      column.classification ?? nothing,
      column.description ?? nothing,
    ]),
    `${count(columns.length, "column")} of ${contract}`,
  );

const known = (availability: Column.Availability): Html =>
  availability === "decision"
    ? badge({ icon: "check", word: "at decision", tone: "quiet" })
    : badge({ icon: "ring", word: "at outcome", tone: "warn" });

const limits = ({ min, max, values, pattern }: Column.ColumnSpec): Html => {
  const parts = [
    min !== undefined && max !== undefined
      ? `${number(min)} to ${number(max)}`
      : min !== undefined
        ? `≥ ${number(min)}`
        : max !== undefined && `≤ ${number(max)}`,
    values !== undefined && cut(values.join(", "), 160),
    pattern !== undefined && html`matches <code>${pattern}</code>`,
  ].filter((part) => part !== false);
  return parts.length === 0
    ? html`<span class="muted">${none}</span>`
    : html`${parts.map((part, index) => html`${index > 0 && "; "}${part}`)}`;
};

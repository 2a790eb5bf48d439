/** What checks found, the gravest first. */
import type { Finding, Run } from "@ml-pipe/core";
import { html, type Html } from "../html.ts";
import { badge, ofSeverity } from "../status.ts";
import { facts } from "../table.ts";
import { number } from "../words.ts";

const order: ReadonlyArray<Finding.Severity> = ["fail", "warn", "info"];
/** More findings of one severity than this are counted, not shown. */
const most = 200;

/** The findings of a run, by severity. */
export const findings = ({ stages }: Run.Run): Html => {
  const all = stages.flatMap(({ stage, findings }) =>
    findings.map((finding) => ({ stage, finding })),
  );
  if (all.length === 0) return html`<p class="empty">No check of this run found anything.</p>`;
  return html`<ul class="findings">
    ${order.map((severity) => {
      const found = all.filter(({ finding }) => finding.severity === severity);
      return html`${found.slice(0, most).map(({ stage, finding }) => oneFinding(stage, finding))}${found.length > most && html`<li class="note">And ${number(found.length - most)} more; the run's record has them all.</li>`}`;
    })}
  </ul>`;
};

const oneFinding = (stage: string, finding: Finding.Finding): Html => {
  const { check, severity, column, owner, expected, found, next } = finding;
  return html`<li class="finding ${ofSeverity[severity].tone}">
    <p class="title">
      ${badge(ofSeverity[severity])} <strong>${check}</strong>
      <span class="muted">in ${stage}</span>
    </p>
    ${facts(
      [
        ["Expected", expected],
        ["Found", found],
        ["Next", next],
        ["Owner", owner],
        [
          "Column",
          column !== undefined && column !== "" ? html`<code>${column}</code>` : undefined,
        ],
        ["Rows", rowsOf(finding)],
      ],
      "facts inline",
    )}
  </li>`;
};

const rowsOf = ({ rows, sample }: Finding.Finding): Html | undefined => {
  if (rows === undefined && (sample === undefined || sample.length === 0)) return undefined;
  const shown = sample?.slice(0, 20) ?? [];
  return html`${rows !== undefined && number(rows)}${shown.length > 0 && html`${rows !== undefined && ", "}<span class="muted">such as ${shown.map(number).join(", ")}${(sample?.length ?? 0) > shown.length && ", …"} (counted from 0)</span>`}`;
};

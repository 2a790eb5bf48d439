/** What the gates saw. */
import type { Verdict } from "@ml-pipe/core";
import { html, type Html, nothing } from "../html.ts";
import { badge, ofOutcome, ofVerdict } from "../status.ts";
import { facts, type Heading, textTable } from "../table.ts";
import type { Found, Verdicts } from "../verdicts.ts";
import { count, list, short } from "../words.ts";

/** The evidence of each verdict. */
export const evidence = ({ found, doubtful }: Verdicts): Html => {
  if (found.length === 0 && doubtful.length === 0) {
    return html`<p class="empty">No gate was asked in this run.</p>`;
  }
  return html`${doubtful.length > 0 && html`<p class="problem">The verdict recorded by ${list(doubtful)} does not follow from its evidence, so it is not shown.</p>`}${found.map((each) => oneVerdict(each, found.length > 1))}`;
};

const oneVerdict = ({ stage, verdict }: Found, several: boolean): Html =>
  html`${several && html`<h3>${stage} ${badge(ofVerdict[verdict.status])}</h3>`}${verdict.evidence.length === 0 ? html`<p class="empty">The verdict of ${stage} has no gates.</p>` : gates(verdict)}
    <details>
      <summary>For engineers</summary>
      ${facts([
        ["Given by", html`<code>${stage}</code>`],
        ["Verdict", digest(verdict.digest)],
        ["Model", digest(verdict.model)],
        ["Test set", digest(verdict.testSet)],
        ["Charter", digest(verdict.charter)],
      ])}
    </details>`;

const next: Heading = { title: "Next", class: "wide" };

const gates = ({ evidence }: Verdict.Verdict): Html => {
  const open = evidence.some(({ outcome }) => outcome !== "passed");
  return textTable(
    [
      { title: "Gate" },
      { title: "Answer", class: "narrow" },
      { title: "Expected", class: "wide" },
      { title: "Found", class: "wide" },
      ...(open ? [next] : []),
    ],
    evidence.map(({ gate, outcome, expected, found, next }) => [
      html`<strong>${gate}</strong>`,
      badge(ofOutcome[outcome]),
      expected,
      found,
      ...(open ? [outcome === "passed" ? nothing : next] : []),
    ]),
    `Evidence of ${count(evidence.length, "gate")}`,
  );
};

const digest = (value: string): Html => html`<code title="${value}">${short(value)}</code>`;

/** What was looked for in the data, kind by kind of leakage. */
import type { Run } from "@ml-pipe/core";
import { Leakage } from "@ml-pipe/ml-pipe";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { html, type Html } from "../html.ts";
import { badge, type Mark } from "../status.ts";
import { textTable } from "../table.ts";
import { count } from "../words.ts";

const decode = Schema.decodeUnknownOption(Leakage.Audit);

const marks: { readonly [O in Leakage.AuditOutcome]: Mark } = {
  clear: { icon: "check", word: "Clear", tone: "good" },
  noted: { icon: "bang", word: "Look", tone: "warn" },
  suspected: { icon: "cross", word: "Suspected", tone: "bad" },
  accepted: { icon: "check", word: "Accepted", tone: "quiet" },
  "not-applicable": { icon: "ring", word: "Does not apply", tone: "quiet" },
  "not-run": { icon: "ring", word: "Not run", tone: "warn" },
};

/** The audits of a run. */
export const leakage = (run: Run.Run): Html => {
  const audits = run.stages.flatMap(({ stage, outputs }) =>
    Object.values(outputs ?? {}).flatMap((output) =>
      Option.toArray(decode(output)).map((audit) => ({ stage, audit })),
    ),
  );
  if (audits.length === 0) return html`<p class="empty">No audit ran in this run.</p>`;
  return html`${audits.map(
    ({ stage, audit }) =>
      html`${audits.length > 1 && html`<h3>${stage}</h3>`}${Leakage.kinds.map((kind) => ofKind(kind, audit))}`,
  )}`;
};

const ofKind = (
  { id, name, explanation, person }: Leakage.Kind,
  { results }: Leakage.Audit,
): Html => {
  const own = results.filter(({ kind }) => kind === id);
  return html`<article class="leakage">
    <h4>${id} ${name}</h4>
    <p class="caption">${explanation}</p>
    ${textTable(
      [
        { title: "Looked for" },
        { title: "Answer", class: "narrow" },
        { title: "Found", class: "wide" },
        { title: "Next", class: "wide" },
      ],
      own.map(({ check, outcome, found, next }) => [
        check.replace("leakage.", "").replaceAll("-", " "),
        badge(marks[outcome]),
        found,
        next,
      ]),
      `${count(own.length, "check")} for ${name}`,
    )}
    <p class="note">No tool can see ${person}.</p>
  </article>`;
};

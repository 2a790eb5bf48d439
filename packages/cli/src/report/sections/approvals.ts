/** What people were asked, and what they said. */
import { type Run, Stage } from "@ml-pipe/core";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { html, type Html, nothing } from "../html.ts";
import { badge, type Mark, ofStage } from "../status.ts";
import { facts, textTable } from "../table.ts";
import { count, duration, instant, list, none, short } from "../words.ts";

const decodeApproved = Schema.decodeUnknownOption(Stage.approved(Schema.Json));

/** Each gate that asks a person; nothing for a pipeline without one. */
export const approvals = (run: Run.Run): Html => {
  const gates = run.graph.stages.filter(({ kind }) => kind === "approval");
  if (gates.length === 0) return nothing;
  return html`<h3>Approvals</h3>
    ${textTable(
      [
        { title: "Gate" },
        { title: "Answer", class: "narrow" },
        { title: "By" },
        { title: "Reason", class: "wide" },
        { title: "Given", class: "short" },
        { title: "Counts until", class: "short" },
      ],
      gates.map(({ name }) =>
        row(
          name,
          run.stages.find(({ stage }) => stage === name),
        ),
      ),
      `${count(gates.length, "gate")} that ask a person`,
    )}`;
};

const approvedMark: Mark = { icon: "check", word: "Approved", tone: "good" };

const row = (name: string, record: Run.StageRun | undefined) => {
  const gate = html`<strong>${name}</strong>`;
  const approved = Option.getOrUndefined(decodeApproved(record?.outputs?.[""]));
  if (approved !== undefined) {
    const { approver, reason, at, expiresAt, input } = approved;
    const given = input === null ? nothing : html` <code>${JSON.stringify(input)}</code>`;
    return [
      gate,
      badge(approvedMark),
      approver,
      html`${reason}${given}`,
      instant(at),
      instant(expiresAt),
    ];
  }
  const asked = record?.asks?.approvers ?? [];
  return [
    gate,
    badge(ofStage[record?.status ?? "not-reached"]),
    asked.length === 0 ? none : html`<span class="muted">${list(asked)} may</span>`,
    record?.failure?.tag === "ApprovalVoid" ? record.failure.message : none,
    none,
    none,
  ];
};

/** What a run waits for, where the reader begins. */
export const waiting = (run: Run.Run): ReadonlyArray<Html> =>
  run.stages.flatMap(({ stage, status, asks }) =>
    status !== "suspended" || asks === undefined
      ? []
      : [
          html`<div class="problem">
            <p><strong>${asks.question}</strong> <span class="muted">asks ${stage}</span></p>
            ${facts(
              [
                ["Who answers", list(asks.approvers)],
                [
                  "Not",
                  run.startedBy === undefined ? undefined : `${run.startedBy}, who started the run`,
                ],
                [
                  "Evidence",
                  html`<code title="${asks.evidence}">${short(asks.evidence)}</code>: another one
                    needs another answer`,
                ],
                ["Counts for", duration(asks.expiresAfterMs)],
                [
                  "To say yes",
                  html`<code>ml-pipe approve ${run.id} ${stage} --as NAME --reason "…"</code>`,
                ],
                [
                  "To say no",
                  html`<code>ml-pipe reject ${run.id} ${stage} --as NAME --reason "…"</code>`,
                ],
              ],
              "facts inline asked",
            )}
          </div>`,
        ],
  );

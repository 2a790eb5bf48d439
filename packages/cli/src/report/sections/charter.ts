/** Why the pipeline exists: the charter. */
import { Charter, Metric, type Run } from "@ml-pipe/core";
import { html, type Html } from "../html.ts";
import { badge } from "../status.ts";
import { facts } from "../table.ts";
import { day, duration, json, list, number, short } from "../words.ts";

type Spec = Run.Run["graph"]["charter"];

/** The charter, as an owner reads it. */
export const charter = (run: Run.Run): Html => {
  const { charter: spec, charterDigest } = run.graph;
  const { decision, metric, baseline, kill } = spec;
  const expired = run.startedAt.getTime() >= kill.on.getTime();
  return html`<p class="question">${decision.question}</p>
    <div class="columns">
      ${facts([
        ["Decided", html`${Charter.moment(decision)}, by ${decision.actor}`],
        ["Outcome known", afterwards(decision.outcomeKnownAfterMs)],
        [
          "Metric",
          html`${metric.name}, in ${metric.unit};
          ${Metric.higherIsBetter(metric) ? "higher" : "lower"} is better`,
        ],
        ["Smallest gain worth shipping", html`${number(spec.smallestGain)} ${metric.unit}`],
        [
          "Baseline to beat",
          html`${baseline.name}<br /><span class="muted">${baseline.description}</span>`,
        ],
        ["Where people meet it", spec.surface],
        ["Budgets", spec.budgets === undefined ? undefined : bullets(budgetsInWords(spec.budgets))],
        ["Guardrails", spec.guardrails.length === 0 ? "none stated" : bullets(spec.guardrails)],
        [
          "Ends",
          html`${day(kill.on)}
            ${expired && badge({ icon: "bang", word: "Expired before this run", tone: "bad" })}<br /><span
              class="muted"
              >if ${kill.criterion}</span
            >`,
        ],
        ["Owner", spec.owner],
        ["Approvers", spec.approvers.length === 0 ? "none named" : list(spec.approvers)],
      ])}
      <div>
        ${costs(spec)}
        <details>
          <summary>For engineers</summary>
          ${facts([
            ["Title", spec.title],
            ["Digest", html`<code title="${charterDigest}">${short(charterDigest)}</code>`],
            ["Baseline rule", html`<code>${json(baseline.rule, 2000)}</code>`],
          ])}
        </details>
      </div>
    </div>`;
};

const afterwards = (millis: number): string =>
  millis === 0 ? "at once" : `${duration(millis)} after the decision`;

const bullets = (items: ReadonlyArray<string>): Html =>
  html`<ul>
    ${items.map((item) => html`<li>${item}</li>`)}
  </ul>`;

const budgetsInWords = (budgets: NonNullable<Spec["budgets"]>): ReadonlyArray<string> => {
  const { latencyMillis, modelBytes, memoryBytes } = budgets;
  return [
    ...(latencyMillis === undefined
      ? []
      : [`a prediction within ${number(latencyMillis)} ms (p99)`]),
    ...(modelBytes === undefined ? [] : [`a model of at most ${number(modelBytes)} bytes`]),
    ...(memoryBytes === undefined ? [] : [`at most ${number(memoryBytes)} bytes of memory`]),
  ];
};

/** What the metric charges: each of the four outcomes of a decision, or in words. */
const costs = ({ metric }: Spec): Html => {
  if (!("costs" in metric)) return html`<p class="muted">${Metric.describe(metric)}</p>`;
  const { truePositive, falsePositive, falseNegative, trueNegative } = metric.costs;
  const cell = (value: number, name: string) =>
    html`<td><span class="amount">${number(value)}</span><span class="muted">${name}</span></td>`;
  return html`<table class="costs">
    <caption>
      What each outcome costs, in ${metric.unit}
    </caption>
    <thead>
      <tr>
        <td></td>
        <th scope="col">It was needed</th>
        <th scope="col">It was not</th>
      </tr>
    </thead>
    <tbody>
      <tr>
        <th scope="row">We act</th>
        ${cell(truePositive, "true positive")}${cell(falsePositive, "false positive")}
      </tr>
      <tr>
        <th scope="row">We do not</th>
        ${cell(falseNegative, "false negative")}${cell(trueNegative, "true negative")}
      </tr>
    </tbody>
  </table>`;
};

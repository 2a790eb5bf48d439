/** The answers of the owner's page, in plain words. */
import type { Finding, Verdict } from "@ml-pipe/core";
import { Words } from "@ml-pipe/data";
import { kinds } from "../../LeakageKind.ts";
import type { OnePage } from "../../OnePage.ts";
import type { Known } from "./known.ts";

const { counted, number, percent, whole } = Words;

/** What each gate asks, for somebody who does not build models. */
const questions: { readonly [gate: string]: string } = {
  "beats the baseline": "Is it better than what is done today, by enough to be worth it?",
  "gain survives the merge": "Is the whole product better with it, by enough to be worth it?",
  calibrated: "When it says 30 %, does it happen 30 times in 100?",
  "no leakage suspected": "Could it have known the answers in advance?",
  "enough data": "Was it tested on enough cases?",
  "charter in force": "Is the project still within its time?",
  "no weak segment": "Is there a group of cases where it does harm?",
  robust: "Does it hold up when its inputs are missing or wrong?",
  "not overfitted": "Does it do as well on new cases as on those it learned from?",
  "fair: like rates": "Are groups of people treated alike?",
  "fair: like costs": "Does it cost no group of people more than others?",
  "fair: like bias": "Does it err the same way for all groups of people?",
  "fair: four-fifths rule": "Does it favour one group by the four-fifths rule?",
};

const questionOf = (gate: string): string => {
  if (gate.startsWith("golden ")) return "Does it still get the known cases right?";
  if (gate.startsWith("within budget: ")) {
    return `Is ${gate.slice("within budget: ".length)} within what was allowed?`;
  }
  return questions[gate] ?? `“${gate}”`;
};

/** The answer. */
export const answerOf = ({ verdict, run }: Known): OnePage["answer"] => {
  if (verdict === undefined) {
    return {
      status: "none",
      sentence: "There is no answer yet: no model was judged in this run.",
      why: `The run ${run.status === "succeeded" ? "has no evaluation" : run.status}.`,
    };
  }
  const { evidence, status } = verdict;
  const first = blockingOf(verdict);
  const why = first === undefined ? "" : `${questionOf(first.gate)} ${found(first)}`;
  switch (status) {
    case "passed":
      return {
        status,
        sentence: "Yes: the model is good enough to be used for this decision.",
        why: `It passed all ${counted(evidence.length, "question")} that were asked of it.`,
      };
    case "rejected":
      return {
        status,
        sentence: "No: the model should not be used for this decision.",
        why,
      };
    case "inconclusive":
      return {
        status,
        sentence: "It cannot be said yet: a person must decide.",
        why: first === undefined ? "No question was answered." : why,
      };
  }
};

/** The evidence that decided against the model, if it did: the first of its kind. */
const blockingOf = ({ evidence, status }: Verdict.Verdict): Verdict.Evidence | undefined =>
  status === "passed"
    ? undefined
    : evidence.find(
        ({ outcome }) => outcome === (status === "rejected" ? "failed" : "inconclusive"),
      );

const found = (one: { readonly expected: string; readonly found: string }): string =>
  `Expected ${one.expected}; found ${one.found}.`;

/** The money, or whatever the metric counts. */
export const moneyOf = ({ judged, lists, run }: Known): ReadonlyArray<string> => {
  if (judged === undefined) {
    return lists === undefined ? ["Nothing was measured."] : listsWorth(lists, run);
  }
  const { gain, cost, unit, level, smallestGain } = judged;
  const { baseline } = run.graph.charter;
  const { interval } = gain;
  const side = gain.estimate >= 0 ? "saves" : "loses";
  // `USD per flight` is counted in USD.
  const [money = unit] = unit.split(" per ");
  return [
    `Today (“${baseline.name}”: ${baseline.description}) costs ${number(cost.baseline.estimate)} ${unit}; with the model it is ${number(cost.model.estimate)}.`,
    `So the model ${side} ${number(Math.abs(gain.estimate))} ${unit}: ${amount(Math.abs(gain.estimate) * 1000)} ${money} in a thousand decisions${
      interval === null
        ? ". The test does not say how sure that is."
        : `. With ${percent(level)} confidence, between ${amount(interval.lower * 1000)} and ${amount(interval.upper * 1000)} ${money} in a thousand.`
    }`,
    `The charter asks for at least ${number(smallestGain)} ${unit}.`,
  ];
};

/** An amount of money: from a hundred on, without its cents. */
const amount = (value: number): string => (Math.abs(value) < 100 ? number(value) : whole(value));

/** What better lists are worth, in the metric of the charter. */
const listsWorth = (
  { metric, unit, smallestGain, level }: NonNullable<Known["lists"]>,
  { graph }: Known["run"],
): ReadonlyArray<string> => {
  const { baseline } = graph.charter;
  const { estimate, interval } = metric.difference;
  const between =
    interval === null
      ? ". The test does not say how sure that is."
      : `. With ${percent(level)} confidence, between ${number(interval.lower)} and ${number(interval.upper)}.`;
  return [
    `Today’s lists (“${baseline.name}”: ${baseline.description}) reach ${number(metric.against.estimate)} ${unit}; these reach ${number(metric.judged.estimate)}.`,
    `So they ${estimate >= 0 ? "gain" : "lose"} ${number(Math.abs(estimate))} ${unit}${between}`,
    `The charter asks for at least ${number(smallestGain)} ${unit}.`,
  ];
};

/** What the answer rests on. */
export const restsOnOf = ({
  judged,
  kind,
  lists,
  verdict,
  models,
}: Known): ReadonlyArray<string> => {
  const on =
    judged === undefined || judged.blocks.by === "row"
      ? ""
      : ` ${judged.blocks.by === "day" ? "on" : "about"} ${counted(judged.blocks.count, judged.blocks.by)}`;
  const rows =
    judged === undefined
      ? lists === undefined
        ? []
        : [
            `${counted(lists.users, "user")} and what they liked later, which nothing had learnt from.`,
          ]
      : [
          `${counted(judged.rows, "real case")}${on} with a known outcome, which the model had never seen.`,
        ];
  const looked =
    models > 1
      ? [
          `${whole(models)} models were judged on these same cases, so the best of them looks better than it is; the margins are widened for that.`,
        ]
      : models === 1
        ? ["No other model was judged on these cases."]
        : [];
  const passed = (verdict?.evidence ?? []).filter(({ outcome }) => outcome === "passed");
  return [
    ...rows,
    ...(kind === undefined ? [] : [`The model: ${kind}.`]),
    ...looked,
    ...(passed.length === 0
      ? []
      : [`Answered well: ${passed.map(({ gate }) => questionOf(gate)).join(" ")}`]),
  ];
};

/** Risks shown: a page has room for so many. */
const most = 8;

/** What could go wrong: what was not answered well, what was found, and what the costs rest on. */
export const risksOf = ({ judged, verdict, run }: Known): ReadonlyArray<string> => {
  const open = (verdict?.evidence ?? []).filter(({ outcome }) => outcome !== "passed");
  const first = verdict === undefined ? undefined : blockingOf(verdict);
  const findings = run.stages.flatMap(({ stage, findings }) =>
    findings.flatMap((one) =>
      // How often the test rows were looked at is among what the answer rests on.
      one.severity === "info" || one.check === "evaluate.looks" ? [] : [toExplain(stage, one)],
    ),
  );
  const losing = (judged?.sensitivity ?? []).filter(
    ({ gain }) => gain !== null && judged !== undefined && gain < judged.smallestGain,
  );
  const { guardrails, kill } = run.graph.charter;
  const all = [
    ...open.map((one) =>
      // What the answer says already is not said again, but for what to do.
      one === first
        ? `To do about it: ${one.next}`
        : `${one.outcome === "failed" ? "Not met" : "Not known"}: ${questionOf(one.gate)} ${found(one)} ${one.next}`,
    ),
    ...losing.map(
      ({ cost, factor }) =>
        `If a ${words(cost)} costs ${number(factor)} times what the charter says, the gain falls short.`,
    ),
    ...new Set(findings),
  ];
  return [
    ...all.slice(0, most),
    ...(all.length > most
      ? [`And ${counted(all.length - most, "thing")} more: see the report.`]
      : []),
    ...(guardrails.length === 0 ? [] : [`Must hold whatever it gains: ${guardrails.join("; ")}.`]),
    `The past is no promise: the gain must be seen again in use, or the project ends on ${kill.on.toISOString().slice(0, 10)} (${kill.criterion}).`,
  ];
};

/** A finding, for somebody who knows the columns but not the checks. */
const toExplain = (stage: string, { column, owner, rows, ...finding }: Finding.Finding): string => {
  const where = column === undefined ? "" : ` in “${column}”`;
  const kind = kinds.find(({ id }) => finding.expected.endsWith(` (${id})`));
  // The name of a kind of leakage says more to engineers than its meaning, and less to anybody else.
  const expected =
    kind === undefined ? finding.expected : finding.expected.slice(0, -kind.id.length - 3);
  const meaning = kind === undefined ? "" : ` If it stays unexplained: ${lower(kind.explanation)}`;
  const who = owner === undefined || rows === undefined ? "" : ` ${owner} can say why.`;
  return `The stage “${stage}” found${where}: ${finding.found}, where it expected ${expected}.${meaning}${who}`;
};

const lower = (sentence: string): string => sentence.charAt(0).toLowerCase() + sentence.slice(1);

const words = (cost: string): string => cost.replaceAll(/([A-Z])/g, " $1").toLowerCase();

/** Who decides, and what was decided. */
export const whoOf = ({ run }: Known): ReadonlyArray<string> => {
  const { owner, approvers } = run.graph.charter;
  const asked = run.stages.flatMap(({ stage, status, asks }) =>
    status === "suspended" && asks !== undefined
      ? [`Waiting for an answer at “${stage}”: ${asks.question}`]
      : [],
  );
  return [
    `Owner: ${owner}.`,
    approvers.length === 0
      ? "The charter names nobody else to approve it."
      : `May approve: ${approvers.join(", ")}.`,
    ...asked,
  ];
};

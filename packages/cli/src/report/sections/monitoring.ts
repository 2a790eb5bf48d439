/** The signals of a run over time, and what each hook decided on them. */
import type { Hook, Run, Signal } from "@ml-pipe/core";
import { armedWord } from "../graphModel.ts";
import { html, type Html } from "../html.ts";
import { drawLine } from "../line.ts";
import { badge, type Mark } from "../status.ts";
import { textTable } from "../table.ts";
import { count, cut, duration, eventTime, json, number } from "../words.ts";

interface Watched {
  readonly stage: string;
  readonly signal: string;
  readonly description: string;
  readonly emitted: ReadonlyArray<Signal.Emitted>;
  readonly hooks: ReadonlyArray<Run.HookRecord>;
}

/** More observations than this are summed up. */
const mostRows = 120;
const mostHighlights = 12;

/** Signals and hooks, by stage and signal. */
export const monitoring = (run: Run.Run): Html => {
  const watched = watchedIn(run);
  if (watched.length === 0) return html`<p class="empty">This pipeline emits no signals.</p>`;
  return html`${watched.map(oneSignal)}`;
};

const watchedIn = (run: Run.Run): ReadonlyArray<Watched> => {
  const keys = new Map<string, readonly [stage: string, signal: string]>();
  const add = (stage: string, signal: string) =>
    keys.set(JSON.stringify([stage, signal]), [stage, signal]);
  for (const { name, signals } of run.graph.stages)
    for (const each of signals) add(name, each.name);
  for (const { from, signal } of run.graph.feedback) add(from, signal);
  for (const { stage, signals } of run.stages) for (const each of signals) add(stage, each.signal);
  for (const { stage, signal } of run.hooks) add(stage, signal);
  return [...keys.values()].map(([stage, signal]) => ({
    stage,
    signal,
    description:
      run.graph.stages
        .find(({ name }) => name === stage)
        ?.signals.find(({ name }) => name === signal)?.description ?? "",
    emitted: run.stages
      .filter((record) => record.stage === stage)
      .flatMap(({ signals }) => signals.filter((each) => each.signal === signal)),
    hooks: hooksOn(run, stage, signal),
  }));
};

/** Hooks with what they decided; one that decided nothing in this run is shown from the graph. */
const hooksOn = (run: Run.Run, stage: string, signal: string): ReadonlyArray<Run.HookRecord> => {
  const decided = run.hooks.filter((hook) => hook.stage === stage && hook.signal === signal);
  if (decided.length > 0) return decided;
  return run.graph.feedback
    .filter((edge) => edge.from === stage && edge.signal === signal)
    .map(({ to, hook }) => ({
      stage,
      signal,
      hook,
      decisions: [],
      ...(to === undefined ? {} : { to }),
    }));
};

const oneSignal = (watched: Watched, place: number): Html => {
  const { stage, signal, description, emitted, hooks } = watched;
  return html`<article class="signal">
    <h3>${signal} <span class="muted">from ${stage}</span></h3>
    ${description !== "" && html`<p class="caption">${description}</p>`}
    ${
      emitted.length === 0
        ? html`<p class="empty">Not emitted in this run.</p>`
        : html`<div class="figures">
            <figure class="line" id="signal-${place + 1}">
              ${chart(watched, `signal-${place + 1}`)}
            </figure>
            ${observations(emitted)}
          </div>`
    }
    ${hooks.map((hook) => oneHook(hook))}
  </article>`;
};

const chart = ({ signal, emitted, hooks }: Watched, id: string): Html => {
  const rules = hooks.flatMap(({ hook: { policy } }) => [
    { y: policy.armAt, label: `raised at ${number(policy.armAt)}` },
    ...(policy.disarmBelow === policy.armAt
      ? []
      : [{ y: policy.disarmBelow, label: `normal below ${number(policy.disarmBelow)}` }]),
  ]);
  return drawLine(
    {
      _tag: "line",
      title: `${signal} over time`,
      x: { label: "event time", kind: "time" },
      y: { label: signal },
      rules: rules.filter(
        (rule, index) => rules.findIndex(({ label }) => label === rule.label) === index,
      ),
      series: [
        {
          name: signal,
          marks: emitted.length <= 60,
          points: emitted.map(({ at, value }) => [at.getTime(), value] as const),
        },
      ],
    },
    id,
    hooks.flatMap(({ hook, decisions }) =>
      decisions
        .filter(({ act }) => act)
        .slice(-mostHighlights)
        .map(({ at, value }) => ({ x: at.getTime(), y: value, label: actMark(hook).word })),
    ),
  );
};

const observations = (emitted: ReadonlyArray<Signal.Emitted>): Html => {
  const shown = emitted.slice(-mostRows);
  return html`<div class="observations">
    <p class="caption">
      ${count(emitted.length, "observation")}${shown.length < emitted.length && `, the last ${shown.length} of them:`}
    </p>
    <div class="scroll tall" tabindex="0" role="region" aria-label="Observations">
      ${textTable(
        [{ title: "Time" }, { title: "Value", class: "number" }, { title: "About" }],
        shown.map(({ at, value, payload }) => [eventTime(at), number(value), about(payload)]),
        "Observations",
      )}
    </div>
  </div>`;
};

/** What a signal says beside its value: its fields in words, or as JSON what has none. */
const about = (payload: unknown): Html | undefined => {
  if (payload === undefined || payload === null) return undefined;
  if (typeof payload !== "object" || Array.isArray(payload))
    return html`<code>${json(payload)}</code>`;
  const fields = Object.entries(payload).filter(([, value]) => value !== null);
  return html`${fields.map(([name, value], place) => html`${place > 0 && ", "}${name} ${field(value)}`)}`;
};

const field = (value: unknown): string => {
  if (typeof value === "number") return number(value);
  return typeof value === "string" ? cut(value, 120) : json(value);
};

const oneHook = ({ hook, to, decisions }: Run.HookRecord): Html => {
  const spans = spansOf(decisions);
  const shown = spans.slice(-mostRows);
  const acted = decisions.filter(({ act }) => act).length;
  const target = hook.action === "rerun" ? `run ${to ?? "the pipeline"} again` : "tell the owner";
  return html`<div class="hook">
    <h4>Hook: ${target} ${badge(hookMark(hook))}</h4>
    <p>${policyInWords(hook.policy)}</p>
    <p class="muted">
      ${hook.armed ? "Armed: it acts when it decides to." : "Dry: it decides and records, but does nothing."}
    </p>
    ${
      decisions.length === 0
        ? html`<p class="empty">Nothing to decide in this run.</p>`
        : html`<p>
              ${count(decisions.length, "decision")}:
              ${actedInWords(hook, acted)}${shown.length < spans.length && " The last of them:"}
            </p>
            ${textTable(
              [
                { title: "Time" },
                { title: "Value", class: "number" },
                { title: "Decision", class: "narrow" },
                { title: "Reason", class: "wide" },
              ],
              shown.map(({ from, to, low, high, act, reason, times }) => [
                times === 1 ? eventTime(from) : `${eventTime(from)} to ${eventTime(to)}`,
                low === high ? number(low) : `${number(low)} to ${number(high)}`,
                badge(act ? actMark(hook) : { icon: "pause", word: "Held", tone: "quiet" }),
                html`${reason}${times > 1 && html` <span class="muted">(${number(times)} times)</span>`}`,
              ]),
              "Decisions of the hook",
            )}`
    }
  </div>`;
};

/** Decisions one after another with the same answer and reason: read as one. */
interface Span {
  readonly from: Date;
  readonly to: Date;
  readonly low: number;
  readonly high: number;
  readonly act: boolean;
  readonly reason: string;
  readonly times: number;
}

const spansOf = (decisions: ReadonlyArray<Hook.Decision>): ReadonlyArray<Span> => {
  const spans: Array<Span> = [];
  for (const { at, value, act, reason } of decisions) {
    const last = spans.at(-1);
    if (last !== undefined && !act && !last.act && last.reason === reason) {
      const [low, high] = [Math.min(last.low, value), Math.max(last.high, value)];
      spans[spans.length - 1] = { ...last, to: at, low, high, times: last.times + 1 };
    } else spans.push({ from: at, to: at, low: value, high: value, act, reason, times: 1 });
  }
  return spans;
};

const hookMark = (hook: Hook.Hook): Mark =>
  hook.armed
    ? { icon: "bell", word: armedWord(hook), tone: "busy" }
    : { icon: "ring", word: armedWord(hook), tone: "quiet" };

const actMark = ({ armed }: Hook.Hook): Mark =>
  armed
    ? { icon: "bell", word: "Acted", tone: "busy" }
    : { icon: "bell", word: "Would act", tone: "warn" };

const actedInWords = ({ armed }: Hook.Hook, acted: number): string => {
  const times = acted === 1 ? "once" : `${number(acted)} times`;
  if (acted === 0) return armed ? "it held every time." : "it would have held every time.";
  return armed ? `it acted ${times}.` : `it would have acted ${times}.`;
};

const policyInWords = ({ armAt, disarmBelow, confirm, coolDownMs, budget }: Hook.HookPolicy) =>
  [
    `Acts at ${number(armAt)} or above${confirm > 1 ? `, ${number(confirm)} times in a row` : ""}.`,
    `Ready again below ${number(disarmBelow)}.`,
    coolDownMs > 0 ? `Waits ${duration(coolDownMs)} between actions.` : "",
    `At most ${count(budget.times, "action")} in ${duration(budget.perMs)}.`,
  ]
    .filter(Boolean)
    .join(" ");

/** How states look: a mark, a word and a tone. A tone alone never carries meaning. */
import type { Finding, Run, Verdict } from "@ml-pipe/core";
import { html, type Html, trusted } from "./html.ts";

/** What a colour stands for. */
export type Tone = "good" | "bad" | "warn" | "quiet" | "busy";

/** A state as it is shown. */
export interface Mark {
  readonly icon: keyof typeof paths;
  readonly word: string;
  readonly tone: Tone;
}

/** Drawn on a grid of 16, with a stroke of 2. */
const paths = {
  check: "M3 8.5l3.5 3.5L13 4.5",
  cross: "M4 4l8 8M12 4l-8 8",
  question: "M5.5 6a2.5 2.5 0 1 1 3.6 2.2c-.7.4-1.1.9-1.1 1.8M8 13v.01",
  bang: "M8 3v6.5M8 13v.01",
  info: "M8 7v6M8 3.5v.01",
  reuse: "M13 8a5 5 0 1 1-1.5-3.6M13 2.5v2.8h-2.8",
  pause: "M6 4v8M10 4v8",
  stop: "M4.5 4.5h7v7h-7z",
  dot: "M8 8v.01",
  clock: "M8 2.5a5.5 5.5 0 1 0 .01 0zM8 5v3.2l2 1.6",
  branch: "M4 13V9a3 3 0 0 1 3-3h5M9.5 3.5L12 6 9.5 8.5",
  ring: "M8 4.5a3.5 3.5 0 1 0 .01 0z",
  bell: "M4 11.5h8l-1-1.5V7a3 3 0 0 0-6 0v3zM7.2 13.6h1.6",
};

/** The icons, once per page. */
export const sprite: Html = html`<svg class="sprite" aria-hidden="true" focusable="false">
  ${Object.entries(paths).map(([name, d]) => html`<symbol id="i-${name}" viewBox="0 0 16 16"><path d="${d}" /></symbol>`)}
</svg>`;

/** An icon. The word next to it says the same. */
export const icon = (name: Mark["icon"]): Html =>
  html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><use href="#i-${name}" /></svg>`;

/** A mark and its word. */
export const badge = ({ icon: name, word, tone }: Mark): Html =>
  html`<span class="badge ${tone}">${icon(name)}${word}</span>`;

/** The state of a run. */
export const ofRun: Record<Run.RunStatus, Mark> = {
  running: { icon: "dot", word: "Running", tone: "busy" },
  succeeded: { icon: "check", word: "Succeeded", tone: "good" },
  stopped: { icon: "stop", word: "Stopped", tone: "warn" },
  suspended: { icon: "clock", word: "Waiting", tone: "busy" },
  failed: { icon: "cross", word: "Failed", tone: "bad" },
  interrupted: { icon: "pause", word: "Interrupted", tone: "warn" },
};

/** What the state of a run means, for a reader who sees it for the first time. */
export const meaning: Record<Run.RunStatus, string> = {
  running: "not finished yet",
  succeeded: "every stage finished",
  stopped: "a gate or a contract said no, as it should",
  suspended: "it waits for somebody, and goes on when it is resumed",
  failed: "something broke",
  interrupted: "it was ended from outside and can be resumed",
};

/** The state of a stage. */
export const ofStage: Record<Run.StageStatus, Mark> = {
  ...ofRun,
  cached: { icon: "reuse", word: "Reused", tone: "good" },
  skipped: { icon: "branch", word: "Not taken", tone: "quiet" },
  "not-reached": { icon: "ring", word: "Not reached", tone: "quiet" },
};

/** The answer of a gate. */
export const ofOutcome: Record<Verdict.Outcome, Mark> = {
  passed: { icon: "check", word: "Passed", tone: "good" },
  failed: { icon: "cross", word: "Failed", tone: "bad" },
  inconclusive: { icon: "question", word: "Inconclusive", tone: "warn" },
};

/** A verdict. */
export const ofVerdict: Record<Verdict.Status, Mark> = {
  passed: { icon: "check", word: "Passed", tone: "good" },
  rejected: { icon: "cross", word: "Rejected", tone: "bad" },
  inconclusive: { icon: "question", word: "Inconclusive", tone: "warn" },
};

/** How serious a finding is. */
export const ofSeverity: Record<Finding.Severity, Mark> = {
  fail: { icon: "cross", word: "Fail", tone: "bad" },
  warn: { icon: "bang", word: "Warning", tone: "warn" },
  info: { icon: "info", word: "Note", tone: "quiet" },
};

/** The path of an icon inside another drawing. */
export const iconPath = (name: Mark["icon"]): Html => trusted(paths[name]);

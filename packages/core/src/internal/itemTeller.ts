/** What the items of a stage tell, under their keys; so much that the record stays readable. */
import * as Effect from "effect/Effect";
import type { Finding } from "../Finding.ts";
import type { ItemOutcome } from "../store/items.ts";
import type { StageEvent } from "../Stage.ts";

/** So many findings of all items are kept, and so many failed attempts; the rest is counted. */
export const kept = 100;

type Report = (event: StageEvent) => Effect.Effect<void>;

/** What an item told, as its outcome records it. */
type Told = Omit<ItemOutcome, "outputs">;

/**
 * Passes on what items tell. Findings, exhibits and failed attempts carry the item's key; exhibits are
 * those of the first item, signals are all passed on, and progress is that of the whole stage.
 */
export const itemTeller = (report: Report) => {
  const findings = { fail: 0, warn: 0, info: 0 };
  let seen = 0;
  let exhibits = 0;
  let attempts = 0;

  const tell = (key: string, first: boolean, event: StageEvent): Effect.Effect<void> => {
    switch (event._tag) {
      case "Finding": {
        const { finding } = event;
        if (++seen <= kept) {
          const check = `${key}: ${finding.check}`;
          return report({ _tag: "Finding", finding: { ...finding, check } });
        }
        findings[finding.severity]++;
        return Effect.void;
      }
      case "Exhibit": {
        const { exhibit } = event;
        if (first) {
          const title = `${key}: ${exhibit.title}`;
          return report({ _tag: "Exhibit", exhibit: { ...exhibit, title } });
        }
        exhibits++;
        return Effect.void;
      }
      case "Retry": {
        const { attempt } = event;
        if (++attempts > kept) return Effect.void;
        const message = `${key}: ${attempt.failure.message}`;
        const failure = { ...attempt.failure, message };
        return report({ _tag: "Retry", attempt: { ...attempt, failure } });
      }
      case "Progress":
        return Effect.void;
      default:
        return report(event);
    }
  };

  return {
    /** Where one item reports to, and what it has told so far. */
    of: (key: string, first: boolean) => {
      const told: { [K in keyof Told]-?: Array<NonNullable<Told[K]>[number]> } = {
        findings: [],
        signals: [],
        exhibits: [],
      };
      return {
        report: (event: StageEvent): Effect.Effect<void> =>
          Effect.suspend(() => {
            if (event._tag === "Finding" && told.findings.length < kept) {
              told.findings.push(event.finding);
            }
            if (event._tag === "Signal") told.signals.push(event.emitted);
            if (event._tag === "Exhibit" && first) told.exhibits.push(event.exhibit);
            return tell(key, first, event);
          }),
        told: (): Told => ({
          ...(told.findings.length === 0 ? {} : { findings: told.findings }),
          ...(told.signals.length === 0 ? {} : { signals: told.signals }),
          ...(told.exhibits.length === 0 ? {} : { exhibits: told.exhibits }),
        }),
      };
    },
    /** Tells again what an item told when it ran. */
    again: (key: string, first: boolean, outcome: Told): Effect.Effect<void> => {
      const { findings = [], signals = [], exhibits = [] } = outcome;
      const events: ReadonlyArray<StageEvent> = [
        ...findings.map((finding) => ({ _tag: "Finding", finding }) as const),
        ...signals.map((emitted) => ({ _tag: "Signal", emitted }) as const),
        ...exhibits.map((exhibit) => ({ _tag: "Exhibit", exhibit }) as const),
      ];
      return Effect.forEach(events, (event) => tell(key, first, event), { discard: true });
    },
    /** Says how much is not kept. */
    end: Effect.suspend(() => {
      const left: Array<Finding> = [];
      const words = {
        check: "items",
        next: "Run such an item by itself to see all that it tells.",
      };
      const { fail, warn, info } = findings;
      if (seen > kept) {
        left.push({
          ...words,
          severity: fail > 0 ? "fail" : warn > 0 ? "warn" : "info",
          expected: `at most ${kept} findings of all items`,
          found: `${seen - kept} more, which are not kept: ${fail} fail, ${warn} warn, ${info} info`,
        });
      }
      if (exhibits > 0) {
        left.push({
          ...words,
          severity: "info",
          expected: "exhibits of the first item",
          found: `${exhibits} of other items, which are not kept`,
        });
      }
      if (attempts > kept) {
        left.push({
          ...words,
          severity: "info",
          expected: `at most ${kept} failed attempts of all items`,
          found: `${attempts - kept} more, which are not kept`,
        });
      }
      return Effect.forEach(left, (finding) => report({ _tag: "Finding", finding }), {
        discard: true,
      });
    }),
  };
};

import type { Exhibit, Run } from "@ml-pipe/core";
import { assert, beforeAll, describe, it } from "vitest";
import * as runs from "../../../../test/report/runs.ts";
import { renderReport } from "./index.ts";

/** The text of a section, without its tags. */
const section = (report: string, id: string): string => {
  const start = report.indexOf(`<section id="${id}"`);
  assert.isAbove(start, 0, `no section ${id}`);
  return plain(report.slice(start, report.indexOf("</section>", start)));
};
const plain = (markup: string): string =>
  markup
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll("&gt;", ">")
    .replaceAll("&lt;", "<")
    .replaceAll(/\s+/g, " ");
const head = (report: string): string =>
  plain(report.slice(report.indexOf("<header>"), report.indexOf("</header>")));

const includes = (text: string, parts: ReadonlyArray<string>) => {
  for (const part of parts) assert.include(text, part);
};

describe("the report on a run that passed", () => {
  let report: string;
  beforeAll(async () => {
    report = await renderReport(runs.passed);
  });

  it("begins with the pipeline, the verdict, when and how long", () => {
    includes(head(report), [
      "flight-delay",
      "The model passed. It passed all 4 gates.",
      "Succeeded",
      "14 Jun 2026, 08:00 UTC",
      "2 min 40 s",
      "9 of 9 finished, 2 of them reused",
      "1 warning, 1 note",
      runs.passed.id,
    ]);
  });

  it("states the charter", () => {
    includes(section(report, "charter"), [
      "warn connecting passengers and hold a seat on a later flight?",
      "at departure, by the gate agent",
      "1 day after the decision",
      "expected cost, in USD per flight; lower is better",
      "60 false negative",
      "night rule",
      "0.25 USD per flight",
      "one line on the gate display",
      "at most one seat held per passenger",
      "31 Dec 2027",
      "no measured gain over the night rule after six months",
      "passenger-care",
      "head-of-operations and data-protection",
    ]);
    assert.notInclude(section(report, "charter"), "Expired");
  });

  it("shows the evidence with a mark and a word", () => {
    includes(section(report, "evidence"), [
      "beats the baseline",
      "Passed",
      "0.55 USD per flight (0.50 to 0.60)",
    ]);
    assert.equal(section(report, "evidence").split("Passed").length - 1, 4);
  });

  it("draws the graph with kinds on edges and feedback", () => {
    includes(section(report, "graph"), [
      "Table<delay-features, train>",
      "Verdict<passed>",
      "DataDrift → rerun",
      "dry",
      "MetricDrop → alert",
      "armed",
      "Succeeded · 1 min 36 s · 1,731,204 rows",
      "train hands Model<delay-features> to evaluate",
    ]);
    assert.include(report, 'class="edge back"');
  });

  it("draws every exhibit", () => {
    for (const { exhibits } of runs.passed.stages) {
      for (const { title } of exhibits) assert.include(section(report, "figures"), title);
    }
    assert.equal(report.match(/<figure\s+class="line"\s+id="figure/g)?.length, 4);
    assert.equal(report.match(/<figure\s+class="bar"/g)?.length, 1);
    assert.equal(report.match(/<figure\s+class="table"/g)?.length, 2);
  });

  it("shows signals and what hooks decided", () => {
    includes(section(report, "monitoring"), [
      "30 observations",
      "Acts at 0.2 or above, 3 times in a row. Ready again below 0.1. Waits 7 days between actions.",
      "Dry: it decides and records, but does nothing.",
      "30 decisions: it would have acted once.",
      "1 Jun 2001 to 13 Jun 2001 0.04 to 0.19 Held below the threshold (13 times)",
      "18 Jun 2001 0.27 Would act raised 3 times in a row at or above 0.2",
      "Armed: it acts when it decides to.",
    ]);
  });

  it("lists findings with their owner and rows, the gravest first", () => {
    const text = section(report, "findings");
    includes(text, ["17, such as 10,244, 88,120, 1,204,551 (counted from 0)", "flight-operations"]);
    assert.isBelow(text.indexOf("Warning"), text.indexOf("Note"));
  });

  it("shows contracts with units, availability, limits and owners", () => {
    includes(section(report, "contracts"), [
      "flight version 1.0.0",
      "passenger-care and crew-planning",
      "at most 2 days old",
      "at least 1,000,000",
      "ingest → validate",
      "delay int min at outcome never -120 to 1440",
      "origin string at decision never matches [A-Z]{3} IATA code",
      "allowed economy, business internal",
      "Label delay Group origin Key date, origin",
      "delay.mean mean of delay (at most 30) Warning crew-planning",
    ]);
  });

  it("keeps the record of every stage", () => {
    includes(section(report, "record"), [
      "ingest Reused 90 ms",
      "inputs, parameters and code are unchanged (from run 2026-06-13T08-00-00-11aa )",
      "train Succeeded 1 min 36 s 1,731,204 the code changed: pipeline.ts, DelayFeatures",
    ]);
  });

  it("is one file without scripts that asks for nothing", () => {
    assert.notMatch(report, /<(script|link|img|iframe)|@import|https?:\/\/|url\((?!#)/);
    assert.include(report, "default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;");
  });
});

describe("the report on other runs", () => {
  it("says why a model was rejected, once above and once among the evidence", async () => {
    const report = await renderReport(runs.rejected);
    includes(head(report), ["The model was rejected.", "“beats the baseline” failed", "Stopped"]);
    assert.notInclude(head(report), "GateClosed");
    includes(section(report, "evidence"), [
      "Failed",
      "Inconclusive",
      "renew the charter with a smaller gain",
    ]);
    includes(section(report, "record"), ["GateClosed", "deploy Not reached"]);
    includes(section(report, "monitoring"), [
      "Not emitted in this run.",
      "Nothing to decide in this run.",
    ]);
  });

  it("shows what broke first", async () => {
    const report = await renderReport(runs.failed);
    includes(head(report), [
      "The run failed in train.",
      "TrainError",
      "1,731,204 nulls",
      "4 of 9 finished",
    ]);
    includes(section(report, "evidence"), ["No gate was asked in this run."]);
  });

  it("says who caused an interrupted run, and what is missing in one that just began", async () => {
    includes(head(await renderReport(runs.interrupted)), [
      "Interrupted",
      "signal DataDrift of run",
    ]);
    const begun = await renderReport(runs.running);
    includes(head(begun), ["The run is not finished.", "not ended", "0 of 9 finished"]);
    includes(section(begun, "record"), ["train Not reached", "no record in this run"]);
    includes(section(begun, "figures"), ["No stage of this run attached a figure."]);
  });

  it("does not show a forged verdict", async () => {
    const report = await renderReport(runs.forged);
    includes(head(report), ["A recorded verdict cannot be trusted."]);
    includes(section(report, "evidence"), ["does not follow from its evidence"]);
  });

  it("says that a charter had expired, and that a contract cannot be read", async () => {
    const { graph } = runs.passed;
    const report = await renderReport({
      ...runs.passed,
      graph: {
        ...graph,
        charter: { ...graph.charter, kill: { ...graph.charter.kill, on: new Date("2026-01-01") } },
        contracts: { flight: { name: "flight" } },
      },
    });
    includes(section(report, "charter"), ["Expired before this run"]);
    includes(section(report, "contracts"), ["cannot read"]);
  });

  it("never shows undefined, NaN or an object", async () => {
    const { passed, rejected, failed, interrupted, inconclusive, forged, running, empty, small } =
      runs;
    for (const run of [
      passed,
      rejected,
      failed,
      interrupted,
      inconclusive,
      forged,
      running,
      empty,
      small,
    ]) {
      assert.notMatch(
        await renderReport(run),
        /\b(undefined|NaN|Infinity|Invalid Date)\b|\[object/,
      );
    }
    const unknown = { ...passed, startedAt: new Date(NaN), endedAt: new Date(NaN) };
    assert.notMatch(await renderReport(unknown), /\b(undefined|NaN|Invalid Date)\b/);
  });

  it("escapes every text of a record", async () => {
    const report = await renderReport(runs.withText(runs.passed, `</script><img onerror="x">'&`));
    assert.notMatch(report, /<\/?script|<img/);
    assert.isAbove(report.split("&lt;/script&gt;&lt;img onerror=").length, 300);
  });
});

describe("the cost of a report", () => {
  const grown = (run: Run.Run): Run.Run => {
    const exhibit = (n: number): Exhibit.Exhibit => ({
      _tag: "line",
      title: `figure ${n}`,
      x: { label: "x" },
      y: { label: "y" },
      series: [1, 2, 3].map((k) => ({
        name: `s${k}`,
        points: Array.from({ length: 20_000 }, (_, x) => [x, Math.sin(x * k)] as const),
      })),
    });
    return {
      ...run,
      stages: run.stages.map((stage) => ({
        ...stage,
        findings: Array.from({ length: 300 }, (_, n) => ({
          check: `c${n}`,
          severity: "warn" as const,
          expected: "a value",
          found: "none",
          next: "ask",
        })),
        exhibits: [exhibit(1), exhibit(2)],
      })),
    };
  };

  it("is bounded for a run that recorded very much", async () => {
    const report = await renderReport(grown(runs.passed));
    assert.isBelow(report.length, 1_500_000);
    includes(section(report, "findings"), ["And 2500 more; the run's record has them all."]);
  });

  it("is small for a typical run", async () => {
    assert.isBelow((await renderReport(runs.passed)).length, 250_000);
  });
});

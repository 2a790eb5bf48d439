import type { Run } from "@ml-pipe/core";
import { assert, it } from "vitest";
import { graphText } from "./graph.ts";
import { later, record, runOf, stageNode, start } from "./progress.fixture.ts";
import { runText } from "./run.ts";
import { plain } from "./Style.ts";

const graph = runOf([
  stageNode("fetch"),
  stageNode("train-stores", { kind: "each", resources: { cores: "all", memoryBytes: 2 ** 31 } }),
  stageNode("tune", {
    when: [{ choice: "retune", from: { stage: "check", port: "" }, is: true }],
  }),
  stageNode("retune", { kind: "choice" }),
  stageNode("sign-off", { kind: "approval" }),
]);

const attempt = { failure: { tag: "HttpError", message: "503" }, at: start, delayMs: 1_000 };

const waiting: Run.Run = {
  ...graph,
  status: "suspended",
  stages: [
    record("fetch", { status: "succeeded", endedAt: later(4_000), attempts: [attempt, attempt] }),
    record("train-stores", {
      status: "succeeded",
      endedAt: later(60_000),
      items: { total: 1_000, succeeded: 968, cached: 30, failed: 2 },
    }),
    record("tune", { status: "skipped", cacheNote: "on a branch that was not taken" }),
    record("retune", { status: "succeeded", endedAt: start, cacheNote: 'took the branch "no"' }),
    record("sign-off", {
      status: "suspended",
      asks: {
        question: "Release it?",
        evidence: `sha256-${"0".repeat(64)}`,
        approvers: ["ana", "ben"],
        expiresAfterMs: 1,
      },
    }),
  ],
};

it("a recorded run shows attempts, items, branches and questions, and how to answer", () => {
  const text = runText(waiting, { style: plain, now: later(90_000), stateFlag: "" });
  for (const line of [
    /^ {2}✓ {2}fetch +4\.0 s +attempt 3$/m,
    /^ {2}✓ {2}train-stores +1 min +1,000 of 1,000 items, 30 cached, 2 failed$/m,
    /^ {2}- {2}tune +skipped +on a branch that was not taken$/m,
    /^ {2}✓ {2}retune +0 ms +took the branch "no"$/m,
    /^ {2}◷ {2}sign-off +suspended +Release it\? \(ana or ben\)$/m,
    /^ {2}ml-pipe approve 20261124-072342-00000001 sign-off --as NAME --reason "…" +Release it\?$/m,
    /^ {2}ml-pipe resume 20261124-072342-00000001 /m,
  ]) {
    assert.match(text, line);
  }
});

it("a graph says what is special about a stage", () => {
  const text = graphText(graph.graph, plain);
  for (const line of [
    /^ 2 train-stores\n {5}runs once for each item of a list\n {5}asks for all cores and 2\.0 GiB of memory$/m,
    /^ 3 tune\n {5}runs if check decides yes \(retune\)$/m,
    /^ 5 sign-off\n {5}waits for a person$/m,
  ]) {
    assert.match(text, line);
  }
});

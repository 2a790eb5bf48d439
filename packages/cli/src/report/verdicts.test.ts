import { assert, describe, it } from "vitest";
import * as runs from "../../../../test/report/runs.ts";
import { conclude, verdictsOf } from "./verdicts.ts";

const conclusion = (run: typeof runs.passed) => {
  const { mark, sentence, why } = conclude(run, verdictsOf(run));
  return { word: mark.word, sentence, why };
};

describe("the conclusion of a run", () => {
  it("is that of its verdict, which is listed once where it was given", () => {
    const { found, doubtful } = verdictsOf(runs.passed);
    assert.deepEqual(
      found.map(({ stage, verdict }) => [stage, verdict.status]),
      [["evaluate", "passed"]],
    );
    assert.deepEqual(doubtful, []);
    assert.deepEqual(conclusion(runs.passed), {
      word: "Passed",
      sentence: "The model passed.",
      why: "It passed all 4 gates.",
    });
  });

  it("says why a model was rejected", () => {
    assert.deepEqual(conclusion(runs.rejected), {
      word: "Rejected",
      sentence: "The model was rejected.",
      why: "“beats the baseline” failed: expected a gain over the night rule of at least 0.25 USD per flight, with 95 % confidence, found 0.11 USD per flight (0.06 to 0.16).",
    });
  });

  it("leaves an inconclusive verdict to a person", () => {
    const { sentence, why } = conclusion(runs.inconclusive);
    assert.equal(sentence, "The verdict is inconclusive: a person must decide.");
    assert.include(why, "“slices” could not answer");
  });

  it("is how the run ended if no model was judged", () => {
    const none = "No model was judged, so there is no verdict.";
    assert.deepEqual(conclusion(runs.failed), {
      word: "Failed",
      sentence: "The run failed in train.",
      why: none,
    });
    assert.equal(conclusion(runs.interrupted).sentence, "The run was interrupted in train.");
    assert.deepEqual(conclusion(runs.running), {
      word: "Running",
      sentence: "The run is not finished.",
      why: none,
    });
    assert.deepEqual(conclusion(runs.small), {
      word: "Succeeded",
      sentence: "The run finished.",
      why: "This pipeline has no gates, so there is no verdict.",
    });
  });

  it("does not pass a verdict that was changed after the fact", () => {
    assert.deepEqual(verdictsOf(runs.forged), { found: [], doubtful: ["evaluate"] });
    assert.equal(conclusion(runs.forged).sentence, "A recorded verdict cannot be trusted.");
  });
});

import { assert, describe, it } from "@effect/vitest";
import { reference } from "../../test-fixtures/labels.ts";
import { allClose, fails, value } from "../../test-fixtures/statistics.ts";
import * as Consensus from "./Consensus.ts";

const { anaesthetists } = reference;

describe("Dawid and Skene", () => {
  const found = value(Consensus.dawidSkene(anaesthetists, { tolerance: 1e-12 }));

  it("finds the shares of the classes that their paper of 1979 gives: .40 .42 .11 .07", () => {
    assert.deepStrictEqual(
      Array.from(found.prior, (share) => share.toFixed(2)),
      ["0.40", "0.42", "0.11", "0.07"],
    );
  });

  it("finds what crowd-kit finds: shares, classes of items, and confusion of each annotator", () => {
    assert.isTrue(found.converged);
    allClose(found.prior, anaesthetists.prior, 1e-6);
    allClose(found.probability, anaesthetists.probability, 1e-5);
    for (const [index, { confusion }] of found.annotators.entries()) {
      for (const [i, row] of confusion.entries()) {
        allClose(row, anaesthetists.confusion[index]?.[i] ?? [], 1e-5);
      }
    }
  });

  it("reads an annotator who always says the opposite", () => {
    const truth = Array.from({ length: 40 }, (_, u) => (u * 7) % 2);
    const answers = (u: number) => [
      truth[u]!,
      u % 9 === 0 ? 1 - truth[u]! : truth[u]!,
      u % 8 === 1 ? 1 - truth[u]! : truth[u]!,
      1 - truth[u]!,
    ];
    const ratings = {
      item: truth.flatMap((_, u) => [u, u, u, u]),
      annotator: truth.flatMap(() => [0, 1, 2, 3]),
      label: truth.flatMap((_, u) => answers(u)),
      classes: 2,
    };
    const { consensus, annotators } = value(Consensus.dawidSkene(ratings));
    assert.deepStrictEqual(Array.from(consensus.label), truth);
    assert.isBelow(annotators[3]?.accuracy ?? 1, 0.01);
    assert.isBelow(annotators[3]?.agreesWithOthers ?? 1, 0.2);
    assert.isAbove(annotators[0]?.accuracy ?? 0, 0.99);
  });

  it("says when it did not come to rest", () => {
    assert.isFalse(value(Consensus.dawidSkene(anaesthetists, { maxIterations: 2 })).converged);
  });
});

describe("majority", () => {
  it("has crowd-kit's shares of votes", () => {
    const { confidence, label } = value(Consensus.majority(anaesthetists));
    const largest = Array.from(confidence.keys(), (u) =>
      Math.max(...anaesthetists.voteShare.slice(4 * u, 4 * u + 4)),
    );
    allClose(confidence, largest);
    assert.strictEqual(label[0], 0);
    assert.strictEqual(label[10], 3);
  });

  it("says where votes are tied, and takes the lowest class", () => {
    const ratings = { item: [8, 8, 3], annotator: [1, 2, 1], label: [2, 1, 0], classes: 3 };
    const { item, label, tied, ratings: counts } = value(Consensus.majority(ratings));
    assert.deepStrictEqual([...item], [3, 8]);
    assert.deepStrictEqual([...label], [0, 1]);
    assert.deepStrictEqual([...tied], [0, 1]);
    assert.deepStrictEqual([...counts], [1, 2]);
  });
});

it("refuses no ratings and bad options", () => {
  const none = { item: [], annotator: [], label: [], classes: 2 };
  fails(Consensus.majority(none), "empty");
  fails(Consensus.dawidSkene(none), "empty");
  fails(Consensus.dawidSkene(anaesthetists, { tolerance: 0 }), "outOfRange");
  fails(Consensus.dawidSkene(anaesthetists, { maxIterations: 0 }), "outOfRange");
});

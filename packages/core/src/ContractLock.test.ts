import { assert, describe, it } from "@effect/vitest";
import * as Result from "effect/Result";
import * as fc from "fast-check";
import * as Fixture from "../test-fixtures/contracts.ts";
import * as Column from "./Column.ts";
import type * as Contract from "./Contract.ts";
import * as ContractLock from "./ContractLock.ts";

const km = Column.float({ unit: "km" }).spec;
const Trip: Contract.ContractSpec = {
  name: "trip",
  version: "1.0.0",
  owner: "fleet",
  consumers: ["prices", "delay"],
  columns: { at: Column.timestamp().spec, km },
};
const miles: Contract.ContractSpec = {
  ...Trip,
  version: "2.0.0",
  columns: { ...Trip.columns, km: { ...km, unit: "mi" } },
};
const reader: ContractLock.Reader = {
  release: "trip-delay@2",
  owner: "care",
  contract: "trip",
  columns: { km },
};

const current = (
  contracts: ReadonlyArray<Contract.ContractSpec>,
  readers: ReadonlyArray<ContractLock.Reader> = [],
  usedBy = "trips",
): ContractLock.Current => ({ usedBy, contracts, readers });
const locked = (given: ContractLock.Current, from = ContractLock.empty) =>
  Result.getOrThrow(ContractLock.update(from, given));
const word = (team: string) => ({ team, by: "ana", at: "2026-11-28T10:00:00Z", reason: "ready" });
const agreed = (
  lock: ContractLock.ContractLock,
  given: ContractLock.Current,
  ...teams: ReadonlyArray<string>
): ContractLock.ContractLock =>
  teams.reduce((sum, team) => {
    const [review] = ContractLock.review(sum, given);
    assert.isDefined(review);
    return Result.getOrThrow(ContractLock.acknowledge(sum, review, word(team)));
  }, lock);
const missing = (lock: ContractLock.ContractLock, given: ContractLock.Current) =>
  ContractLock.review(lock, given).flatMap(({ questions }) =>
    questions.flatMap(({ missing }) => missing),
  );

describe("a change that breaks somebody", () => {
  const lock = locked(current([Trip]));
  const now = current([miles]);

  it("is not locked until each of them has agreed", () => {
    assert.deepStrictEqual(missing(lock, now), ["prices", "delay", "fleet"]);
    const refused = ContractLock.update(lock, now);
    assert.isTrue(Result.isFailure(refused));
    if (Result.isFailure(refused)) {
      assert.match(
        refused.failure.message,
        /trip \(1\.0\.0 → 2\.0\.0\) waits for prices, delay, fleet/,
      );
    }
    const two = agreed(lock, now, "prices", "fleet");
    assert.deepStrictEqual(missing(two, now), ["delay"]);
    const all = locked(now, agreed(two, now, "delay"));
    assert.deepStrictEqual(all.contracts["trip"]?.spec, miles);
    assert.deepStrictEqual(
      all.contracts["trip"]?.acknowledgements.map(({ team, about }) => [team, about]),
      ["prices", "fleet", "delay"].map((team) => [team, "1.0.0 → 2.0.0"]),
    );
    assert.strictEqual(ContractLock.review(all, now)[0]?.status, "locked");
  });

  it("is another question as soon as it changes again: what was said is void", () => {
    const all = agreed(lock, now, "prices", "delay", "fleet");
    const other = current([{ ...miles, columns: { ...miles.columns, at: { ...km, unit: "h" } } }]);
    assert.deepStrictEqual(missing(all, other), ["prices", "delay", "fleet"]);
    assert.deepStrictEqual(missing(all, now), []);
  });

  const reviewOf = (given: ContractLock.ContractLock): ContractLock.Review => {
    const [review] = ContractLock.review(given, now);
    assert.isDefined(review);
    return review;
  };

  it("takes no word without a reason", () => {
    const silent = { ...word("prices"), reason: " " };
    const refused = Result.merge(ContractLock.acknowledge(lock, reviewOf(lock), silent));
    assert.match(String(refused), /what "prices" says on "trip" needs a reason/);
  });

  it("asks nobody else, and nobody twice", () => {
    const [review] = ContractLock.review(lock, now);
    assert.isDefined(review);
    const refused = ContractLock.acknowledge(lock, review, word("lawyers"));
    assert.isTrue(Result.isFailure(refused));
    if (Result.isFailure(refused)) {
      assert.match(
        refused.failure.message,
        /"lawyers" is not asked about "trip".*prices, delay, fleet/,
      );
    }
    const two = agreed(lock, now, "prices", "fleet");
    const again = Result.merge(ContractLock.acknowledge(two, reviewOf(two), word("prices")));
    assert.match(
      String(again),
      /"prices" has agreed on "trip" already\. Those who have not: delay/,
    );
    const all = agreed(two, now, "delay");
    assert.match(
      String(Result.merge(ContractLock.acknowledge(all, reviewOf(all), word("prices")))),
      /So has everybody/,
    );
    const [quiet] = ContractLock.review(lock, current([Trip]));
    assert.isDefined(quiet);
    assert.isTrue(Result.isFailure(ContractLock.acknowledge(lock, quiet, word("prices"))));
  });

  it("needs a version that says so", () => {
    const quiet = current([{ ...miles, version: "1.0.1" }]);
    const all = agreed(lock, quiet, "prices", "delay", "fleet");
    assert.match(ContractLock.review(all, quiet)[0]?.version ?? "", /make the version 2\.0\.0/);
    assert.isTrue(Result.isFailure(ContractLock.update(all, quiet)));
  });
});

describe("what needs no word", () => {
  it("a new contract, and a compatible change", () => {
    const lock = locked(current([Trip]));
    const said = { ...Trip, version: "1.0.1", description: "a trip" };
    const [review] = ContractLock.review(lock, current([said]));
    assert.deepStrictEqual([review?.status, review?.questions[0]?.mustAgree], ["changed", []]);
    assert.strictEqual(locked(current([said]), lock).contracts["trip"]?.spec.description, "a trip");
  });

  it("the same contract in another pipeline", () => {
    const both = locked(current([Trip], [], "prices"), locked(current([Trip])));
    assert.deepStrictEqual(both.contracts["trip"]?.usedBy, ["prices", "trips"]);
    assert.deepStrictEqual(ContractLock.review(both, current([], [], "bills")), []);
    const one = locked(current([]), both);
    assert.deepStrictEqual(one.contracts["trip"]?.usedBy, ["prices"]);
  });
});

it("a contract that is gone is missed by its consumers", () => {
  const lock = locked(current([Trip]));
  assert.deepStrictEqual(missing(lock, current([])), ["prices", "delay"]);
  const done = locked(current([]), agreed(lock, current([]), "prices", "delay"));
  assert.deepStrictEqual(done.contracts, {});
});

describe("a release that serves is a consumer", () => {
  const lock = locked(current([Trip]));

  it("of the columns that it reads", () => {
    const gate = { ...Trip.columns, gate: Column.string().spec };
    assert.deepStrictEqual(missing(lock, current([Trip], [reader])), []);
    const [review] = ContractLock.review(lock, current([miles], [reader]));
    assert.deepStrictEqual(
      review?.questions.map(({ about, missing }) => [about, missing]),
      [
        ["1.0.0 → 2.0.0", ["prices", "delay", "fleet"]],
        ["release trip-delay@2", ["care"]],
      ],
    );
    assert.notInclude(missing(lock, current([{ ...Trip, columns: gate }], [reader])), "care");
    const { at: _, ...without } = Trip.columns;
    assert.notInclude(missing(lock, current([{ ...Trip, columns: without }], [reader])), "care");
    const later = {
      ...Trip,
      columns: { ...Trip.columns, km: { ...km, availableAt: "outcome" } },
    } as const;
    assert.include(missing(lock, current([later], [reader])), "care");
  });

  it("whose owner's word stays with the lock", () => {
    const now = current([miles], [reader]);
    const all = locked(now, agreed(lock, now, "prices", "delay", "fleet", "care"));
    assert.deepStrictEqual(missing(all, now), []);
    assert.deepStrictEqual(all.readers, [reader]);
    const next = { ...reader, release: "trip-delay@3" };
    assert.deepStrictEqual(missing(all, current([miles], [next])), ["care"]);
  });
});

describe("the file", () => {
  it("has every key in order, and is read back as it was written", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(Fixture.specs, { selector: ({ name }) => name, maxLength: 2 }),
        (specs) => {
          const lock = locked(current(specs));
          const text = ContractLock.toText(lock);
          assert.deepStrictEqual(Result.getOrThrow(ContractLock.fromText("lock", text)), lock);
          assert.strictEqual(ContractLock.toText(locked(current(specs.toReversed()), lock)), text);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("is refused if it was changed by hand, or is none", () => {
    const text = ContractLock.toText(locked(current([Trip])));
    const read = (changed: string): string => {
      const found = ContractLock.fromText("contracts.lock.json", changed);
      return Result.isFailure(found) ? found.failure.message : "";
    };
    assert.match(read(text.replace('"km"', '"miles"')), /"trip" was changed by hand[^]*from Git/);
    assert.match(read(text.replace('"trip": {', '"taxi": {')), /"taxi" holds the contract "trip"/);
    for (const none of ["", "{}", "[]", "null", "<<<<<<< HEAD", text.slice(1)]) {
      assert.match(read(none), /cannot be used/);
    }
    assert.match(
      read(text.replace('"contracts"', '\n<<<<<<< HEAD\n"contracts"')),
      /line 3 is a mark of a merge/,
    );
    assert.match(read(text.replace('"lockVersion": 1', '"lockVersion": 2')), /lockVersion/);
  });
});

import { assert, describe, it } from "@effect/vitest";
import { Column, Contract } from "@ml-pipe/core";
import * as Effect from "effect/Effect";
import { ingested, services, Trip } from "../ingest.fixture.ts";
import * as Ingest from "../Ingest.ts";
import * as Source from "../Source.ts";

const provided = Effect.provide(services);

describe("Source.rows", () => {
  it.effect("takes what a generator yields, in its types", () =>
    Effect.gen(function* () {
      const at = new Date("2001-01-01T10:00:00.123Z");
      const { rows, rejected } = yield* ingested(
        Source.rows("trips of the API", async function* () {
          yield { at, km: 1.5, seats: 9007199254740993n, late: true, from: "A\n\u001f" };
          yield { at: "2001-01-01T00:00:00+01:00", km: Number.NaN, from: undefined };
          yield { at: new Date(Number.NaN), seats: Number.POSITIVE_INFINITY };
          yield { seats: "4", late: 1, from: { a: 1n } };
          yield [1];
          yield () => 1;
          yield { from: "x".repeat(2_000_000) };
        }),
      );
      assert.deepStrictEqual(rows, [
        {
          at: "2001-01-01 10:00:00.123",
          km: 1.5,
          seats: "9007199254740993",
          late: true,
          from: "A\n\u001f",
        },
        { at: "2000-12-31 23:00:00", km: "NaN", seats: null, late: null, from: null },
      ]);
      assert.deepStrictEqual(
        rejected.map(({ line, reasons }) => [line, reasons]),
        [
          [
            "3",
            '["column \\"at\\": expected a time, found \\"Invalid Date\\"","column \\"seats\\": expected a whole number, found \\"Infinity\\""]',
          ],
          [
            "4",
            '["column \\"seats\\": expected a whole number, found \\"4\\"","column \\"late\\": expected true or false, found \\"1\\"","column \\"from\\": expected text, found \\"{\\"a\\":\\"1\\"}\\""]',
          ],
          ["5", '["expected an object, found array"]'],
          ["6", '["expected an object, found string"]'],
          ["7", '["longer than 1 MiB"]'],
        ],
      );
    }).pipe(provided),
  );

  it.effect("an error of the iterable is one of the stage, and nothing was taken", () =>
    Effect.gen(function* () {
      const source = Source.rows("the API", function* () {
        yield { km: 1 };
        throw new Error("page 2: 503");
      });
      const error = yield* Effect.flip(Ingest.table(Trip, source).run({}));
      assert.strictEqual(error._tag, "RowsFailed");
      assert.include(error.message, "the rows of the API ended with an error: page 2: 503");
    }).pipe(provided),
  );

  it.effect("many rows", () =>
    Effect.gen(function* () {
      const N = Contract.make("n", { version: "1", owner: "lab", columns: { n: Column.int() } });
      const { table } = yield* Ingest.table(
        N,
        Source.rows("numbers", function* () {
          for (let n = 0; n < 50_000; n++) yield { n };
        }),
      ).run({});
      assert.strictEqual(table.rows, 50_000);
    }).pipe(provided),
  );
});

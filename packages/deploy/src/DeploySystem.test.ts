import * as fs from "node:fs/promises";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import { Digest, Verdict } from "@ml-pipe/core";
import { Duckdb, Release, Table } from "@ml-pipe/data";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { charter, Home, judged, world, worldOf } from "../test-fixtures/plays.ts";
import { layersOf, temporary } from "../test-fixtures/stateFolder.ts";
import { openRelease } from "./embed.ts";
import * as Deploy from "./Deploy.ts";
import * as Predictor from "./Predictor.ts";
import * as Recording from "./Recording.ts";
import { Registry } from "./Registry.ts";
import * as Serve from "./Serve.ts";

const passed = (verdict: Verdict.Verdict) => Verdict.requirePassed(verdict);
const stage = Deploy.system(Home, { charter });

const servicesOf = (folder: string) =>
  Layer.mergeAll(layersOf(folder), Duckdb.Duckdb.layer({ threads: 1 }));

/** A folder with `start-page@1`, and what it was made of. */
const released = Effect.gen(function* () {
  const folder = yield* temporary;
  return yield* Effect.gen(function* () {
    const made = yield* world;
    const inputs = { ...made, verdict: yield* passed(judged(Table.digestOf(made.lists))) };
    return { folder, inputs, release: yield* stage.run(inputs) };
  }).pipe(Effect.provide(servicesOf(folder)));
});

const itemsOf = (prediction: Predictor.Prediction) =>
  "items" in prediction ? prediction.items.map(({ item }) => item) : assert.fail("no list");

describe("Deploy.system", { timeout: 60_000 }, () => {
  it.live("serves every user the list that was judged", () =>
    Effect.gen(function* () {
      const { folder, inputs, release } = yield* released;
      assert.deepInclude(release, { name: "start-page", version: 1, owner: "start-page" });
      assert.deepStrictEqual(release.knownUntil, new Date("2026-01-07T00:00:00Z"));
      assert.strictEqual(Release.policy(release), "shows 3 items");
      const predictor = yield* Predictor.open(folder, "start-page");
      const rows = yield* Duckdb.Duckdb.use((db) =>
        Effect.flatMap(Table.relation(inputs.lists), (lists) =>
          db.rows(
            "look",
            `SELECT user, list(item ORDER BY rank) AS items FROM ${lists} GROUP BY ALL ORDER BY user`,
          ),
        ),
      ).pipe(Effect.provide(servicesOf(folder)));
      assert.strictEqual(rows.length, 6);
      for (const { user, items } of rows) {
        const found = yield* predictor.predict({ member: Number(user), met: null });
        assert.deepStrictEqual(itemsOf(found).map(String), items);
      }
      const again = yield* stage.run(inputs).pipe(Effect.provide(servicesOf(folder)));
      assert.deepStrictEqual(again, release);
    }).pipe(Effect.scoped),
  );

  it.live(
    "says whom and what it does not know, and falls back on sources that know everybody",
    () =>
      Effect.gen(function* () {
        const { folder } = yield* released;
        const model = yield* Effect.promise(() =>
          openRelease(folder, "start-page", { predicts: "list" }),
        );
        assert.deepStrictEqual(model.example, { member: 100, met: [] });
        const ask = (request: unknown) => {
          const result = model.predict(request);
          return result.ok ? result.prediction : assert.fail(JSON.stringify(result.problems));
        };
        const known = ask({ member: 2, met: [] });
        assert.deepInclude(known, { unseen: [], missing: [], release: "start-page@1" });
        // Of songs that are no advert and by different artists: nobody but the neighbours knows 9.
        assert.deepStrictEqual(
          known.items.map(({ item, source }) => [item, source]),
          [
            [5, "alike"],
            [1, "alike"],
            [6, "alike"],
          ],
        );
        // Met since: it goes, and the next one comes.
        const later = ask({ member: 2, met: [5, 77] });
        assert.deepStrictEqual(
          later.items.map(({ item }) => item),
          [1, 6, 8],
        );
        assert.deepStrictEqual(later.unknownItems, [77]);
        const stranger = ask({ member: 5000, met: [] });
        assert.deepStrictEqual(stranger.unseen, ["member"]);
        assert.deepStrictEqual(
          stranger.items.map(({ item, source }) => [item, source]),
          [
            [3, "charts"],
            [4, "charts"],
            [5, "charts"],
          ],
        );
        const nobody = ask({ member: null, met: [3] });
        assert.deepStrictEqual(nobody.missing, ["member"]);
        assert.notInclude(
          nobody.items.map(({ item }) => item),
          3,
        );
        // The same question has the same answer.
        assert.deepStrictEqual(ask({ member: 2, met: [] }), known);
        assert.deepStrictEqual(model.predict({ member: 0, met: ["a"], extra: 1 }), {
          ok: false,
          problems: [
            { field: "member", expected: "a whole number of at least 1, or null", found: "0" },
            { field: "met", expected: "a list of a whole number, or null", found: "a list" },
            {
              field: "extra",
              expected: "no other field than member, met",
              found: "an extra field",
            },
          ],
        });
        assert.throws(() => model.explain({ member: 2, met: [] }), /each place names its source/);
        const asked = yield* Effect.promise(() =>
          openRelease(folder, "start-page").then(() => "", String),
        );
        assert.match(asked, /answers with a list, and a decision is asked for/);
      }).pipe(Effect.scoped),
  );

  it.live("answers over HTTP, and records what was shown", () =>
    Effect.gen(function* () {
      const { folder } = yield* released;
      const file = path.join(folder, "shown.ndjson");
      yield* Effect.gen(function* () {
        const predictor = yield* Predictor.open(folder, "start-page");
        const { url } = yield* Serve.server({ predictor, port: 0, record: { file } });
        const post = (body: unknown, search = "") =>
          Effect.promise(async () => {
            const reply = await fetch(`${url}/predict${search}`, {
              method: "POST",
              body: JSON.stringify(body),
              headers: { "content-type": "application/json" },
            });
            const json: unknown = await reply.json();
            return { status: reply.status, json };
          });
        const one = yield* post({ member: 2, met: [] });
        assert.strictEqual(one.status, 200);
        assert.deepStrictEqual(one.json, yield* predictor.predict({ member: 2, met: [] }));
        assert.strictEqual((yield* post({ member: 3 })).status, 422);
        assert.strictEqual((yield* post({ member: 2, met: [] }, "?explain=1")).status, 422);
        const health = yield* Effect.promise(async () => (await fetch(`${url}/healthz`)).json());
        assert.deepInclude(health, { status: "live", release: "start-page@1", features: [] });
        const sampled = yield* Recording.record(predictor, { file: `${file}.none`, share: 0 });
        yield* sampled.answer([{ member: 2, met: [] }]);
      }).pipe(Effect.scoped);
      const lines = (yield* Effect.promise(() => fs.readFile(file, "utf8"))).trim().split("\n");
      assert.deepInclude(JSON.parse(lines[0] ?? ""), {
        user: "2",
        item: "5",
        rank: 1,
        source: "alike",
        release: "start-page@1",
      });
      assert.lengthOf(lines, 3);
    }).pipe(Effect.scoped),
  );

  describe("releases nothing", () => {
    const refused = Effect.fnUntraced(function* (
      change: (
        inputs: Effect.Success<typeof released>["inputs"],
      ) => Partial<Effect.Success<typeof released>["inputs"]>,
      options: Partial<Deploy.SystemOptions> = {},
    ) {
      const { folder, inputs } = yield* released;
      const { approval: _, ...rest } = options;
      return yield* Deploy.system(Home, { charter, name: "other", ...rest })
        .run({ ...inputs, ...change(inputs) })
        .pipe(
          Effect.flip,
          Effect.tap(() =>
            Effect.map(
              Registry.use(({ list }) => list),
              (all) =>
                assert.deepStrictEqual(
                  all.map(({ name }) => name),
                  ["start-page"],
                ),
            ),
          ),
          Effect.provide(servicesOf(folder)),
        );
    }, Effect.scoped);

    it.live("on a verdict about something else", () =>
      Effect.gen(function* () {
        const verdict = yield* passed(judged(Digest.ofBytes("a source")));
        const error = yield* refused(() => ({ verdict }));
        assert.strictEqual(error._tag, "UnjudgedLists");
        assert.match(
          error.message,
          /a verdict of Evaluate.system is on a source, not on the lists/,
        );
      }),
    );

    it.live("that would be served otherwise than it was judged", () =>
      Effect.gen(function* () {
        const error = yield* refused(() => ({}), { perUser: 1 });
        assert.deepInclude(error, { _tag: "ServedOtherwise", users: 6, different: 6, user: "1" });
        assert.match(
          error.message,
          /judged 4 \(alike\), 5 \(alike\), 6 \(alike\)\n {2}served 4 \(alike\)/,
        );
      }),
    );

    it.live("whose items have more digits than JSON carries", () =>
      Effect.gen(function* () {
        const { folder } = yield* released;
        const large = yield* Effect.gen(function* () {
          const made = yield* worldOf("9007199254740992 +");
          const verdict = yield* passed(judged(Table.digestOf(made.lists)));
          return yield* Effect.flip(stage.run({ ...made, verdict }));
        }).pipe(Effect.provide(servicesOf(folder)));
        assert.match(
          large.message,
          /"song" of "play" has 9007199254740993, .* Declare the column as text/,
        );
      }).pipe(Effect.scoped),
    );

    it.live("whose source learnt from another table", () =>
      Effect.gen(function* () {
        const error = yield* refused(({ charts }) => ({
          charts: {
            ...charts,
            trainedOn: { ...charts.trainedOn, table: Digest.ofBytes("another") },
          },
        }));
        assert.strictEqual(error._tag, "OtherInteractions");
      }),
    );
  });

  it.live("is not served when its parts were changed, or hold something else", () =>
    Effect.gen(function* () {
      const { folder, release } = yield* released;
      const { parts } = release.system;
      const file = path.join(folder, "artifacts", parts.digest.slice(7, 9), parts.digest.slice(7));
      const bytes = yield* Effect.promise(() => fs.readFile(file));
      bytes[bytes.length - 9]! ^= 1;
      yield* Effect.promise(() => fs.writeFile(file, bytes));
      const changed = yield* Effect.flip(Predictor.open(folder, "start-page"));
      assert.include(changed.message, "does not match its digest");
      yield* Effect.promise(() => fs.rm(file));
      const gone = yield* Effect.flip(Predictor.open(folder, "start-page"));
      assert.include(gone.message, "is not there");
    }).pipe(Effect.scoped),
  );
});

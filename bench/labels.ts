/**
 * The audit of the labels of a million rows (four features), without and with near-duplicates, against the
 * heart of it written by hand: one GROUP BY that finds equal rows and contradictions. One process.
 *
 *     npx node --conditions=@ml-pipe/source bench/labels.ts [rows] [rounds]
 */
import { Artifact, Column, Contract, Stage } from "@ml-pipe/core";
import { Duckdb, Table } from "@ml-pipe/data";
import { Labels } from "@ml-pipe/validate";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";

const rows = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 5);

const Mail = Contract.make("mail", {
  version: "1",
  owner: "post",
  label: "spam",
  eventTime: "sent",
  columns: {
    sent: Column.timestamp(),
    words: Column.float(),
    links: Column.float(),
    share: Column.float(),
    sender: Column.string(),
    spam: Column.boolean({ availableAt: "outcome" }),
  },
});

const timings = new Map<string, Array<number>>();
const timed = <A, E, R>(name: string, effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const begun = performance.now();
    const note = Effect.sync(() => {
      timings.set(name, [...(timings.get(name) ?? []), performance.now() - begun]);
    });
    return Effect.ensuring(effect, note);
  });

const program = Effect.gen(function* () {
  const db = yield* Duckdb.Duckdb;
  // One row in a thousand repeats an earlier one, label or not.
  const data = yield* Table.write(Mail, "checked", {
    query: `SELECT TIMESTAMP '2001-01-01' + to_minutes(i::INTEGER) AS sent, hash(k) % 10000 * 1.0 AS words,
        hash(k * 3) % 1000003 * 1.0 AS links, hash(k * 5) / 18446744073709551615.0 AS share,
        's' || (hash(k * 7) % 100) AS sender, hash(i * 11) % 3 = 0 AS spam
      FROM (SELECT i, if(i % 1000 = 999, i - 7, i) AS k FROM range(${rows}) t(i)) ORDER BY i`,
  });
  const relation = yield* Table.relation(data);
  const byHand = `SELECT count_if(n > 1), count_if(labels > 1), sum(n - largest)
    FROM (SELECT sum(n) AS n, count(*) AS labels, max(n) AS largest
      FROM (SELECT words, links, share, sender, spam, count(*) AS n FROM ${relation} GROUP BY ALL)
      GROUP BY words, links, share, sender)`;
  for (let round = 0; round < rounds; round++) {
    yield* timed("by hand", db.rows("by hand", byHand));
    yield* timed("audit", Labels.audit(Mail, { nearDuplicates: false }).run({ data }));
    yield* timed("audit, near-duplicates", Labels.audit(Mail).run({ data }));
  }
}).pipe(
  Effect.provideService(Stage.Reporter, () => Effect.void),
  Effect.provide(
    Layer.mergeAll(Duckdb.Duckdb.layer({ threads: 2 }), Artifact.ArtifactStore.layerTemporary),
  ),
);

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

await Effect.runPromise(program);
for (const [name, times] of timings) {
  const ratio = median(times.map((ms, round) => ms / (timings.get("by hand")?.[round] ?? 1)));
  console.log(
    `${name.padEnd(24)} ${median(times).toFixed(0).padStart(6)} ms   ${ratio.toFixed(2)}×`,
  );
}
console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB, all together`);

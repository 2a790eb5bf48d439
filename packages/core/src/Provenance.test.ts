import * as fs from "node:fs";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { Artifact, ArtifactStore, digestFile } from "./Artifact.ts";
import { charter } from "./internal/charter.fixture.ts";
import { engineIn, newest, observe, withCode } from "./internal/engine.fixture.ts";
import { temporaryFolder } from "./internal/folder.fixture.ts";
import * as Lineage from "./Lineage.ts";
import * as Pipeline from "./Pipeline.ts";
import * as Provenance from "./Provenance.ts";
import * as Stage from "./Stage.ts";

const File = Schema.Struct({ path: Schema.String, digest: Schema.String, bytes: Schema.Int });

/** Reads a file in place, stores its length, and sums it up. */
const pipelineOn = (file: string) => {
  const load = Stage.make("load", {
    input: {},
    output: Schema.Struct({ rows: Schema.Int, file: File }),
    run: () =>
      Effect.promise(async () => ({ rows: 3, file: { path: file, ...(await digestFile(file)) } })),
  });
  const measure = Stage.make("measure", {
    input: { data: Schema.Struct({ rows: Schema.Int, file: File }) },
    output: Artifact,
    run: ({ data }) => ArtifactStore.use((store) => store.putJson({ bytes: data.file.bytes })),
  });
  const report = Stage.make("report", {
    input: { measured: Artifact },
    output: Schema.Struct({ measured: Artifact, text: Schema.String }),
    run: ({ measured }) => Effect.succeed({ measured, text: "done" }),
  });
  return Pipeline.make("measure", { charter }, () => ({
    out: report({ measured: measure({ data: load() }) }),
  }));
};

const ran = <A, E, R>(then: (folder: string, source: string) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder;
    const source = path.join(folder, "rows.csv");
    fs.writeFileSync(source, "a,b,c");
    return yield* Effect.gen(function* () {
      yield* observe(pipelineOn(source)).pipe(withCode());
      return yield* then(folder, source);
    }).pipe(Effect.provide(engineIn(folder)));
  });

const links = Effect.flatMap(newest, ({ id }) =>
  Effect.flatMap(Lineage.find(`${id}/report`), Provenance.linksBehind),
);
/** `kind name state`, with the run's id left out. */
const words = (found: ReadonlyArray<Provenance.Link>) =>
  found.map(({ kind, name, state }) => `${kind} ${path.basename(name)} ${state}`);

const rewrite = (folder: string, query: string) => {
  const db = new DatabaseSync(path.join(folder, "ml-pipe.sqlite"));
  db.exec(query);
  db.close();
};

const artifactFile = Effect.gen(function* () {
  const found = yield* links;
  const artifact = found.find(({ kind }) => kind === "artifact");
  const digest = Schema.decodeUnknownSync(Artifact.fields.digest)(artifact?.digest);
  return yield* ArtifactStore.use((store) =>
    store.path({ digest, bytes: '{"bytes":5}'.length, mediaType: "" }),
  );
});

describe("linksBehind", () => {
  it.effect("leads from an output to the source file, each file with who made it", () =>
    ran((_, source) =>
      Effect.gen(function* () {
        const found = yield* links;
        assert.deepStrictEqual(words(found), [
          "stage report intact",
          "stage measure intact",
          "artifact json intact",
          "stage load intact",
          "source rows.csv intact",
          `charter ${charter.spec.title} intact`,
        ]);
        const facts = found.flatMap((link) => link.facts);
        assert.include(facts, "output: 3 rows");
        assert.include(facts, "11 bytes, given by measure");
        assert.strictEqual(found.find(({ kind }) => kind === "source")?.name, source);
      }),
    ),
  );

  const damages: ReadonlyArray<
    readonly [
      what: string,
      damage: (folder: string, source: string, artifact: string) => void,
      expected: string,
      problem: RegExp,
    ]
  > = [
    [
      "a source that changed",
      (_, source) => fs.writeFileSync(source, "x,y,z"),
      "source rows.csv broken",
      /has changed since/,
    ],
    [
      "a source that is gone",
      (_, source) => fs.rmSync(source),
      "source rows.csv missing",
      /not there any more/,
    ],
    [
      "a flipped bit of an artifact",
      (_folder, _source, artifact) => fs.writeFileSync(artifact, '{"bytes":6}'),
      "artifact json broken",
      /does not match its digest/,
    ],
    [
      "an artifact that is gone",
      (_folder, _source, artifact) => fs.rmSync(artifact),
      "artifact json missing",
      /is not there/,
    ],
    [
      "a parameter that was changed in the record",
      (folder) =>
        rewrite(
          folder,
          "UPDATE stage SET record = json_set(record, '$.ingredients.params', 7) WHERE stage = 'load'",
        ),
      "stage load broken",
      /record was changed/,
    ],
    [
      "an output that was changed in the record",
      (folder) =>
        rewrite(
          folder,
          `UPDATE stage SET record = json_set(record, '$.outputs."".rows', 9) WHERE stage = 'load'`,
        ),
      "stage measure broken",
      /input "data" is not what .*\/load is recorded to have given/,
    ],
    [
      "a charter that was changed in the record",
      (folder) =>
        rewrite(folder, "UPDATE run SET record = json_set(record, '$.graph.charter.owner', 'me')"),
      `charter ${charter.spec.title} broken`,
      /the charter in the record of run .* was changed/,
    ],
    [
      "a stage whose record is gone",
      (folder) => rewrite(folder, "DELETE FROM stage WHERE stage = 'load'"),
      "stage load missing",
      /not recorded any more/,
    ],
  ];
  for (const [what, damage, expected, problem] of damages) {
    it.effect(`finds ${what}, and nothing else`, () =>
      ran((folder, source) =>
        Effect.gen(function* () {
          damage(folder, source, yield* artifactFile);
          const bad = (yield* links).filter(({ state }) => state !== "intact");
          assert.deepStrictEqual(words(bad), [expected]);
          assert.match(bad[0]?.problem ?? "", problem);
        }),
      ),
    );
  }

  it.effect("says that code was not identified", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const source = path.join(folder, "rows.csv");
      fs.writeFileSync(source, "a");
      const found = yield* Effect.andThen(observe(pipelineOn(source)), links).pipe(
        Effect.provide(engineIn(folder)),
      );
      const stages = found.filter(({ kind }) => kind === "stage");
      assert.deepStrictEqual(
        stages.map(({ state }) => state),
        ["missing", "missing", "missing"],
      );
      assert.match(stages[0]?.problem ?? "", /was not recorded \(not cached: the code/);
    }),
  );
});

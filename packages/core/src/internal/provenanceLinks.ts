/** What one record, artifact or file proves, and whether it still does. */
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { ArtifactStore, digestFile } from "../Artifact.ts";
import { CharterSpec } from "../Charter.ts";
import * as Digest from "../Digest.ts";
import type { LineageUse } from "../Lineage.ts";
import type { Link } from "../Provenance.ts";
import type { Run, StageRun } from "../Run.ts";
import { type FileRow, filesIn } from "./lineageRows.ts";
import { digestOf } from "./outputs.ts";

const short = (digest: string): string => digest.slice(0, 19);

/** A stage of a run that is gone. */
export const missingStage = (run: string, stage: string): Link => ({
  kind: "stage",
  name: `${run}/${stage}`,
  state: "missing",
  facts: [],
  problem: `run ${run} is not recorded any more: how ${stage} came to its output is not known`,
});

/** A stage: whether its record is whole, and its inputs are what the stages before it gave. */
export const stageLink = (
  run: Run,
  record: StageRun,
  uses: ReadonlyArray<LineageUse>,
  runs: ReadonlyMap<string, Run>,
): Link => {
  const { stage, ingredients, cacheKey } = record;
  const link = {
    kind: "stage" as const,
    name: `${run.id}/${stage}`,
    ...(cacheKey === undefined ? {} : { digest: cacheKey }),
    facts: factsOf(run, record),
  };
  if (ingredients === undefined) {
    // A branch that was chosen has no code of its own.
    if (run.graph.stages.find(({ name }) => name === stage)?.kind === "choice") {
      return { ...link, state: "intact" };
    }
    const problem = `what it was executed on was not recorded (${record.cacheNote})`;
    return { ...link, state: "missing", problem };
  }
  if (cacheKey !== Digest.ofJson([stage, ingredients])) {
    const problem = "its record was changed: it does not match the digest of its ingredients";
    return { ...link, state: "broken", problem };
  }
  for (const { from, by } of uses) {
    const before = runs.get(from.run)?.stages.find((one) => one.stage === from.stage);
    const given = before?.outputs?.[from.port];
    // If the one before is missing, that is a link of its own.
    if (given === undefined || digestOf(given) === ingredients.inputs[by.port]) continue;
    const problem = `its input "${by.port}" is not what ${from.run}/${from.stage} is recorded to have given`;
    return { ...link, state: "broken", problem };
  }
  return { ...link, state: "intact" };
};

const factsOf = (run: Run, record: StageRun): ReadonlyArray<string> => {
  const { ingredients, outputs = {}, findings } = record;
  const code = Object.keys(ingredients?.code ?? {});
  const params = ingredients?.params ?? null;
  const by = run.startedBy === undefined ? "" : ` that ${run.startedBy} started`;
  return [
    `executed ${record.startedAt.toISOString()} in a run of ${run.pipeline}${by}`,
    ...(code.length === 0
      ? []
      : [`code ${short(Digest.ofJson(ingredients?.code))} of ${listed(code)}`]),
    ...(params === null ? [] : [`parameters ${JSON.stringify(params)}`]),
    ...Object.entries(outputs).flatMap(([port, output]) => {
      const rows = rowsOf(output);
      return rows === undefined ? [] : [`${port === "" ? "output" : port}: ${rows} rows`];
    }),
    ...findings.map(({ severity, check, found }) => `${severity} ${check}: ${found}`),
  ];
};

const listed = (names: ReadonlyArray<string>): string => {
  const more = names.length - 3;
  return [...names.slice(0, 3), ...(more > 0 ? [`${more} more`] : [])].join(", ");
};

const rowsOf = (output: Schema.Json): number | undefined => {
  if (typeof output !== "object" || output === null || !("rows" in output)) return undefined;
  return typeof output.rows === "number" ? output.rows : undefined;
};

/** Files among the outputs of a stage, each with the port that it is in. */
export const filesOf = ({ outputs = {} }: StageRun): ReadonlyArray<Omit<FileRow, "stage">> =>
  Object.entries(outputs).flatMap(([port, output]) =>
    filesIn(output).map((file) => ({ port, ...file })),
  );

const isDigest = Schema.is(Digest.Digest);

/** An artifact or source file that a stage gave: whether it is there, bit for bit. */
export const fileLink = Effect.fnUntraced(function* (
  stage: string,
  { port, digest, bytes, mediaType, path }: Omit<FileRow, "stage">,
): Effect.fn.Return<Link, never, ArtifactStore> {
  const from = port === "" ? stage : `${stage}.${port}`;
  const about = { digest, facts: [`${bytes} bytes, given by ${from}`] };
  if (path !== undefined) {
    const link = { kind: "source" as const, name: path, ...about };
    const found = yield* Effect.promise(() => digestFile(path).catch(() => undefined));
    if (found?.digest === digest) return { ...link, state: "intact" };
    return found === undefined
      ? { ...link, state: "missing", problem: `${path} is not there any more or cannot be read` }
      : {
          ...link,
          state: "broken",
          problem: `${path} has changed since: its digest is ${short(found.digest)} now`,
        };
  }
  const link = { kind: "artifact" as const, name: mediaType ?? "file", ...about };
  if (!isDigest(digest)) return { ...link, state: "broken", problem: "it has no digest" };
  const artifacts = yield* ArtifactStore;
  const verified = yield* Effect.result(artifacts.verify({ digest, bytes, mediaType: link.name }));
  if (verified._tag === "Success") return { ...link, state: "intact" };
  const { failure } = verified;
  const absent = failure._tag === "ArtifactMissing" && failure.reason === "absent";
  return { ...link, state: absent ? "missing" : "broken", problem: failure.message };
});

const encodeCharter = Schema.encodeSync(Schema.toCodecJson(CharterSpec));

/** The charter of a run: whether it is the one that its digest names. */
export const charterLink = ({ id, graph }: Run): Link => {
  const { charter, charterDigest } = graph;
  const link = {
    kind: "charter" as const,
    name: charter.title,
    digest: charterDigest,
    facts: [
      `decides: ${charter.decision.question}`,
      `owned by ${charter.owner}, ends on ${charter.kill.on.toISOString().slice(0, 10)}`,
    ],
  };
  if (Digest.ofJson(encodeCharter(charter)) === charterDigest) return { ...link, state: "intact" };
  const problem = `the charter in the record of run ${id} was changed: it does not match its digest`;
  return { ...link, state: "broken", problem };
};

const ContractWords = Schema.Struct({ version: Schema.String, owner: Schema.String });
const contractWords = Schema.decodeUnknownOption(ContractWords);

/** The contracts that some stages of a run were under. */
export const contractLinks = (
  { id, graph, stages }: Run,
  visited: ReadonlySet<string>,
): ReadonlyArray<Link> => {
  const expected = new Map<string, string>();
  for (const node of graph.stages) {
    if (!visited.has(node.name)) continue;
    const recorded = stages.find(({ stage }) => stage === node.name)?.ingredients?.contracts ?? {};
    const sides = [["in", node.inputs] as const, ["out", node.outputs] as const];
    for (const [side, ports] of sides) {
      for (const { name, contract } of ports) {
        const digest = recorded[`${side}:${name}`];
        if (contract !== undefined && digest !== undefined) expected.set(contract, digest);
      }
    }
  }
  return [...expected].map(([name, digest]): Link => {
    const words = contractWords(graph.contracts[name]);
    const facts =
      words._tag === "Some"
        ? [`version ${words.value.version}, owned by ${words.value.owner}`]
        : [];
    const link = { kind: "contract" as const, name, digest, facts };
    if (Digest.ofJson(graph.contracts[name]) === digest) return { ...link, state: "intact" };
    const problem = `the contract in the record of run ${id} was changed: it does not match its digest`;
    return { ...link, state: "broken", problem };
  });
};

/** The datasets of OpenLineage that a stage reads and writes: tables, other artifacts, source files. */
import { Artifact, Contract, Digest, type Graph, type Run } from "@ml-pipe/core";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import { type Facets, facet, known } from "./facets.ts";

/** Data that a stage reads. */
export interface InputDataset {
  readonly namespace: string;
  readonly name: string;
  readonly facets: Facets;
  readonly inputFacets: Facets;
}

/** Data that a stage writes. */
export interface OutputDataset {
  readonly namespace: string;
  readonly name: string;
  readonly facets: Facets;
  readonly outputFacets: Facets;
}

/** A table as it is recorded; what a table is else, core does not know. */
const TableRecord = Schema.Struct({
  contract: Schema.Struct({ name: Schema.String, version: Schema.String }),
  role: Schema.String,
  rows: Schema.Int,
  data: Schema.Union([
    Schema.TaggedStruct("artifact", { artifact: Artifact.Artifact }),
    Schema.TaggedStruct("source", {
      file: Schema.Struct({ path: Schema.String, digest: Digest.Digest, bytes: Schema.Int }),
    }),
  ]),
});
type TableRecord = typeof TableRecord.Type;

const SourceFile = Schema.Struct({ path: Schema.String, digest: Digest.Digest });

const isTable = Schema.is(TableRecord);
const isArtifact = Schema.is(Artifact.Artifact);
const isSourceFile = Schema.is(SourceFile);
const contractOf = Schema.decodeUnknownOption(Contract.ContractSpec);

/** Data by reference, and where in the outputs of its stage it is. */
type Found = { readonly name: string } & (
  | { readonly table: TableRecord }
  | { readonly artifact: Artifact.Artifact }
);

/** More of one stage's items would tell nobody anything. */
const atMost = 100;

const find = (name: string, value: Schema.Json): ReadonlyArray<Found> => {
  if (typeof value !== "object" || value === null) return [];
  if (isTable(value)) return [{ name, table: value }];
  if (isArtifact(value)) return [{ name, artifact: value }];
  const found: Array<Found> = [];
  for (const [key, part] of Object.entries(value)) {
    if (found.length >= atMost) break;
    found.push(...find(`${name}.${key}`, part));
  }
  return found.slice(0, atMost);
};

/** What is in the outputs of a stage, or in one of them. */
const foundIn = (
  pipeline: string,
  stage: string,
  outputs: Run.StageRun["outputs"] = {},
  only?: string,
): ReadonlyArray<Found> =>
  Object.entries(outputs)
    .filter(([port]) => only === undefined || port === only)
    .flatMap(([port, value]) =>
      find(port === "" ? `${pipeline}.${stage}` : `${pipeline}.${stage}.${port}`, value),
    );

const facetsOf = (found: Found, graph: Graph.Graph): Facets => {
  if ("artifact" in found) {
    const { digest, mediaType } = found.artifact;
    return {
      version: facet("version", { datasetVersion: digest }),
      datasetType: facet("datasetType", { datasetType: "FILE", subType: mediaType }),
    };
  }
  const { table } = found;
  const digest =
    table.data._tag === "artifact" ? table.data.artifact.digest : table.data.file.digest;
  const contract = Option.getOrUndefined(contractOf(graph.contracts[table.contract.name]));
  return known({
    version: facet("version", { datasetVersion: digest }),
    datasetType: facet("datasetType", { datasetType: "TABLE", subType: table.role }),
    schema: contract && facet("schema", { fields: fieldsOf(contract) }),
    ownership:
      contract && facet("datasetOwnership", { owners: [{ name: contract.owner, type: "OWNER" }] }),
    documentation:
      contract?.description === undefined
        ? undefined
        : facet("datasetDocumentation", { description: contract.description }),
  });
};

const fieldsOf = ({ columns }: Contract.ContractSpec): ReadonlyArray<Schema.Json> =>
  Object.entries(columns).map(([name, { type, description, unit }], index) => {
    const about = [description, unit].filter((text) => text !== undefined).join(", ");
    return {
      name,
      type,
      ordinal_position: index + 1,
      ...(about === "" ? {} : { description: about }),
    };
  });

const statisticsOf = (found: Found): { readonly [key: string]: number } => {
  if ("artifact" in found) return { size: found.artifact.bytes, fileCount: 1 };
  const { rows, data } = found.table;
  const size = data._tag === "artifact" ? data.artifact.bytes : data.file.bytes;
  return { rowCount: rows, size, fileCount: 1 };
};

/** What a stage has written. */
export const outputsOf = (
  namespace: string,
  graph: Graph.Graph,
  { stage, outputs }: Run.StageRun,
): ReadonlyArray<OutputDataset> =>
  foundIn(graph.pipeline, stage, outputs).map((found) => ({
    namespace,
    name: found.name,
    facets: facetsOf(found, graph),
    outputFacets: { outputStatistics: facet("outputStatistics", statisticsOf(found)) },
  }));

/** What a stage has read: outputs of stages before it, and source files. */
export const inputsOf = (
  namespace: string,
  graph: Graph.Graph,
  record: Run.StageRun,
  before: ReadonlyMap<string, Run.StageRun>,
): ReadonlyArray<InputDataset> => {
  const node = graph.stages.find(({ name }) => name === record.stage);
  const tables = (node?.inputs ?? []).flatMap(({ from }) =>
    foundIn(graph.pipeline, from.stage, before.get(from.stage)?.outputs, from.port || undefined),
  );
  const inputs: ReadonlyArray<InputDataset> = [
    ...tables.map((found) => ({
      namespace,
      name: found.name,
      facets: facetsOf(found, graph),
      inputFacets: { inputStatistics: facet("inputStatistics", statisticsOf(found)) },
    })),
    ...sourcesOf(graph.pipeline, record),
  ];
  const [only] = inputs;
  const assertions = assertionsOf(record);
  // Findings do not say which of several inputs they are about.
  if (only === undefined || inputs.length > 1 || assertions.length === 0) return inputs;
  const dataQualityAssertions = facet("dataQualityAssertions", { assertions });
  return [{ ...only, inputFacets: { ...only.inputFacets, dataQualityAssertions } }];
};

/** Files outside the state folder: what the stage says that it reads, else tables that stay in place. */
const sourcesOf = (pipeline: string, record: Run.StageRun): ReadonlyArray<InputDataset> => {
  const reads = record.ingredients?.reads;
  const declared = [reads, ...(Array.isArray(reads) ? reads : [])].filter(isSourceFile);
  const inPlace = foundIn(pipeline, record.stage, record.outputs).flatMap((found) =>
    "table" in found && found.table.data._tag === "source" ? [found.table.data.file] : [],
  );
  const files = new Map([...inPlace, ...declared].map((file) => [file.path, file]));
  // A stage with inputs hands such a table on; it did not read the file.
  const isSource =
    declared.length > 0 || Object.keys(record.ingredients?.inputs ?? {}).length === 0;
  return isSource
    ? [...files.values()].map(({ path: file, digest }) => ({
        namespace: "file",
        name: file,
        facets: {
          version: facet("version", { datasetVersion: digest }),
          datasetType: facet("datasetType", { datasetType: "FILE" }),
        },
        inputFacets: {},
      }))
    : [];
};

const assertionsOf = ({ findings }: Run.StageRun): ReadonlyArray<Schema.Json> =>
  findings
    .filter(({ severity }) => severity !== "info")
    .map(({ check, severity, column, expected, found, next }) => ({
      assertion: check,
      success: false,
      severity: severity === "fail" ? "error" : "warn",
      ...(column === undefined ? {} : { column }),
      expected,
      actual: found,
      description: next,
    }));

/** Facets of OpenLineage: what is said of runs, jobs and datasets, each under a schema of its own. */
import type * as Schema from "effect/Schema";
import { producer } from "./uuid.ts";

/** What is said about one matter. */
export interface Facet {
  readonly _producer: string;
  readonly _schemaURL: string;
  readonly [key: string]: Schema.Json;
}

/** Facets by name. */
export interface Facets {
  readonly [name: string]: Facet;
}

/** The facets that we write: the names and versions of their schemas. */
const schemas = {
  dataQualityAssertions: ["DataQualityAssertionsDatasetFacet", "1-1-0"],
  datasetType: ["DatasetTypeDatasetFacet", "1-0-1"],
  datasetDocumentation: ["DocumentationDatasetFacet", "1-1-0"],
  datasetOwnership: ["OwnershipDatasetFacet", "1-0-1"],
  documentation: ["DocumentationJobFacet", "1-1-0"],
  errorMessage: ["ErrorMessageRunFacet", "1-0-1"],
  inputStatistics: ["InputStatisticsInputDatasetFacet", "1-0-0"],
  jobType: ["JobTypeJobFacet", "2-0-4"],
  nominalTime: ["NominalTimeRunFacet", "1-0-1"],
  outputStatistics: ["OutputStatisticsOutputDatasetFacet", "1-0-2"],
  ownership: ["OwnershipJobFacet", "1-0-1"],
  parent: ["ParentRunFacet", "1-2-0"],
  processing_engine: ["ProcessingEngineRunFacet", "1-1-1"],
  schema: ["SchemaDatasetFacet", "1-2-0"],
  sourceCodeLocation: ["SourceCodeLocationJobFacet", "1-1-0"],
  tags: ["TagsRunFacet", "1-0-0"],
  version: ["DatasetVersionDatasetFacet", "1-0-1"],
} as const;

/** A facet of a kind. */
export const facet = (
  kind: keyof typeof schemas,
  content: { readonly [key: string]: Schema.Json },
): Facet => {
  const [name, version] = schemas[kind];
  return {
    _producer: producer,
    _schemaURL: `https://openlineage.io/spec/facets/${version}/${name}.json#/$defs/${name}`,
    ...content,
  };
};

/** What has a value, without what has none. */
export const known = <A>(record: {
  readonly [key: string]: A | undefined;
}): { readonly [key: string]: A } => {
  const found: Record<string, A> = {};
  for (const [key, value] of Object.entries(record)) if (value !== undefined) found[key] = value;
  return found;
};

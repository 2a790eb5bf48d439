/** The stages that bring sources under a contract. */
export * as Ingest from "./Ingest.ts";
export * as Location from "./Location.ts";
export * as Source from "./Source.ts";

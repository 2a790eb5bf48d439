/** The stage that brings a source under a contract. */
export * as Ingest from "./Ingest.ts";

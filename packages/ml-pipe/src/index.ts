/** One import for authors of pipelines. */
export * from "@ml-pipe/core";
export * from "@ml-pipe/data";
export * from "@ml-pipe/deploy";
export * from "@ml-pipe/evaluate";
export * from "@ml-pipe/ingest";
export * from "@ml-pipe/monitor";
export * from "@ml-pipe/observe";
export * from "@ml-pipe/train";
export * from "@ml-pipe/validate";
export * as Local from "./Local.ts";

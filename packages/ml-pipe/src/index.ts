/** One import for authors of pipelines. */
export * from "@ml-pipe/core";
export * as Local from "./Local.ts";

export * as Train from "./Train.ts";

import { word } from "./word.ts";

/** `ml-pipe approve RUN [GATE]`. */
export const approve = word(
  "approve",
  "Say yes at a gate that waits for a person, and go on with the run",
);

import { word } from "./word.ts";

/** `ml-pipe reject RUN [GATE]`. */
export const reject = word("reject", "Say no at a gate that waits for a person; the run stops");

/** What a process or thread prints, line by line, in bounded memory. */
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { stripVTControlCharacters } from "node:util";
import * as Effect from "effect/Effect";
import type { Secrets } from "./secretText.ts";

/** What is longer is cut. */
const longestLine = 16_384;

/** Cuts a stream of bytes into lines; empty ones are left out. A lone `\r` ends a line too. */
export const lineCutter = (
  { scrub, longest }: Pick<Secrets, "scrub" | "longest">,
  longestShown = longestLine,
) => {
  const decoder = new StringDecoder("utf8");
  /** Enough to see a secret that begins inside what is shown. */
  const kept = longestShown + longest;
  let line = "";
  let length = 0;
  const add = (text: string): void => {
    if (line.length < kept) line += text.slice(0, kept - line.length);
    length += text.length;
  };
  const end = (): ReadonlyArray<string> => {
    const [text, all] = [line, length];
    [line, length] = ["", 0];
    const clean = scrub(printable(text));
    if (clean.trim() === "") return [];
    if (all <= longestShown) return [clean];
    // The rest of a secret may have been dropped: its beginning is among the last characters kept.
    const safe = all > kept ? clean.slice(0, Math.max(0, clean.length - longest)) : clean;
    return [`${safe.slice(0, longestShown)}… (${all} characters)`];
  };
  const push = (text: string): ReadonlyArray<string> => {
    const [first = "", ...rest] = text.split(/[\r\n]+/);
    add(first);
    return rest.flatMap((part) => {
      const ended = end();
      add(part);
      return ended;
    });
  };
  return {
    push: (chunk: Buffer) => push(decoder.write(chunk)),
    end: () => [...push(decoder.end()), ...end()],
  };
};

/** Without what would move a terminal's cursor or change its colours. */
const printable = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  stripVTControlCharacters(text).replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "");

/**
 * Reads a stream to its end and gives each line to an effect. The writer waits while the effect runs.
 */
export const eachLine = Effect.fnUntraced(function* (
  stream: Readable,
  secrets: Pick<Secrets, "scrub" | "longest">,
  use: (line: string) => Effect.Effect<void>,
) {
  const cutter = lineCutter(secrets);
  const chunks = stream.iterator({ destroyOnReturn: false });
  while (true) {
    // A stream that was closed under the reader has ended.
    const next = yield* Effect.promise(() =>
      chunks.next().catch(() => ({ done: true as const, value: undefined })),
    );
    const lines = next.done === true ? cutter.end() : cutter.push(next.value);
    for (const line of lines) yield* use(line);
    if (next.done === true) return;
  }
});

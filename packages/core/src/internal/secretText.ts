/** Values of secrets, found in text and files: to take them out, or to refuse what holds them. */
import { createReadStream } from "node:fs";

/** Finds the values of some secrets. */
export interface Secrets {
  /** The text with each value replaced, also where it is escaped or encoded. */
  readonly scrub: (text: string) => string;
  /** The length of the longest thing that is replaced. */
  readonly longest: number;
  /** The name of a secret whose value a text holds. Values under eight characters are not looked for. */
  readonly heldBy: (text: string) => string | undefined;
  /** The same for a file, in constant memory. */
  readonly heldByFile: (file: string) => Promise<string | undefined>;
}

/** Shorter values are in many files by chance. */
const leastTelling = 8;

/** Knows these secrets, by name. */
export const secretsOf = (values: { readonly [name: string]: string }): Secrets => {
  const forms = Object.entries(values).flatMap(([name, value]) =>
    formsOf(value).map((form) => ({ name, form })),
  );
  const byLength = forms.map(({ form }) => form).toSorted((a, b) => b.length - a.length);
  const pattern = new RegExp(byLength.map(escaped).join("|"), "g");
  const telling = forms
    .filter(({ form }) => form.length >= leastTelling)
    .map(({ name, form }) => ({ name, bytes: Buffer.from(form) }));
  const heldByBytes = (bytes: Buffer) =>
    telling.find(({ bytes: form }) => bytes.includes(form))?.name;
  const overlap = Math.max(0, ...telling.map(({ bytes }) => bytes.length - 1));
  return {
    scrub: (text) => (forms.length === 0 ? text : text.replaceAll(pattern, "<redacted>")),
    longest: byLength[0]?.length ?? 0,
    heldBy: (text) => heldByBytes(Buffer.from(text)),
    heldByFile: async (file) => {
      if (telling.length === 0) return undefined;
      let before = Buffer.alloc(0);
      for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
        const window = Buffer.concat([before, chunk]);
        const name = heldByBytes(window);
        if (name !== undefined) return name;
        before = window.subarray(Math.max(0, window.length - overlap));
      }
      return undefined;
    },
  };
};

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/** A value as it is, by lines, and as JSON, addresses and headers write it. */
const formsOf = (value: string): ReadonlyArray<string> => {
  if (value === "") return [];
  const lines = value.split(/[\r\n]+/).filter((line) => line.trim().length >= leastTelling);
  const json = JSON.stringify(value).slice(1, -1);
  const base64 = Buffer.from(value).toString("base64");
  return [...new Set([value, ...lines, json, encodeURIComponent(value), base64])];
};

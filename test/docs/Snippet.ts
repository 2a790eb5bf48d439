/**
 * The code samples of a Markdown page or of the docstrings of a source file.
 *
 * Words after the language say how a sample is used:
 *
 * - `new` starts a module of its own; otherwise all ts samples of a page are one module
 * - `file=<name>` is written under that name in the page's folder, and not run
 * - `no-run <reason>` is compiled (ts), not run, and counted as skipped
 * - `ci` (sh) is what `.ci/run` does already: each of its lines must be found there
 */
export interface Snippet {
  readonly language: "ts" | "sh";
  /** Line of the first line of code, from 1. */
  readonly line: number;
  readonly code: string;
  readonly file: string | undefined;
  readonly noRun: string | undefined;
  readonly startsModule: boolean;
  readonly ci: boolean;
}

/** Leaves only the text of `/** … *\/` comments, line for line. */
export const docstrings = (source: string): string => {
  let inside = false;
  return source
    .split("\n")
    .map((line) => {
      const opens = !inside && /^\s*\/\*\*/.test(line);
      const shown = inside && !line.includes("*/") ? line.replace(/^\s*\* ?/, "") : "";
      inside = (inside || opens) && !line.includes("*/");
      return shown;
    })
    .join("\n");
};

export const extract = (markdown: string, where: string): ReadonlyArray<Snippet> => {
  const snippets: Array<Snippet> = [];
  const lines = markdown.split("\n");
  for (let index = 0; index < lines.length; index++) {
    const fence = /^(\s*)(`{3,})\s*(\S*)\s*(.*)$/.exec(lines[index] ?? "");
    if (fence === null) continue;
    const [, indent = "", ticks = "", language = "", words = ""] = fence;
    const first = index + 1;
    do index++;
    while (index < lines.length && lines[index]?.trim() !== ticks);
    if (index === lines.length) throw new Error(`${where}:${first}: this fence is not closed`);
    if (language !== "ts" && language !== "sh") {
      if (/^(typescript|javascript|js|tsx|mts|bash|shell|console)$/.test(language)) {
        throw new Error(`${where}:${first}: write \`ts\` or \`sh\`, so that the sample is tested`);
      }
      continue;
    }
    const code = lines.slice(first, index).map((line) => line.slice(indent.length));
    const [, file] = /^file=(\S+)$/.exec(words) ?? [];
    const [, noRun] = /^no-run\s+(\S.*)$/.exec(words) ?? [];
    const known =
      words === "" || file || noRun || (language === "ts" ? words === "new" : words === "ci");
    if (!known) {
      throw new Error(`${where}:${first}: "${words}" is unknown, or a \`no-run\` without a reason`);
    }
    snippets.push({
      language,
      line: first + 1,
      code: code.join("\n"),
      file,
      noRun,
      startsModule: words === "new",
      ci: words === "ci",
    });
  }
  return snippets;
};

/** Puts code on the lines it has in the original, so that an error names the right line. */
export const atItsLine = (snippets: ReadonlyArray<Snippet>): string => {
  const lines: Array<string> = [];
  for (const snippet of snippets) {
    while (lines.length < snippet.line - 1) lines.push("");
    lines.push(...snippet.code.split("\n"));
  }
  return `${lines.join("\n")}\nexport {}\n`;
};

export interface Step {
  readonly snippets: readonly [Snippet, ...Array<Snippet>];
  readonly file: string | undefined;
}

/** What a page does, in order: ts samples run together where the last of them stands. */
export const steps = (snippets: ReadonlyArray<Snippet>, page: string): ReadonlyArray<Step> => {
  const done: Array<Step> = [];
  let open: Array<Snippet> = [];
  const close = () => {
    const [first, ...rest] = open;
    if (first === undefined) return;
    done.push({ snippets: [first, ...rest], file: `${page}.L${first.line}.ts` });
    open = [];
  };
  for (const snippet of snippets) {
    if (snippet.language === "sh" || snippet.file !== undefined) {
      done.push({ snippets: [snippet], file: snippet.file });
    } else if (snippet.noRun !== undefined) {
      done.push({ snippets: [snippet], file: `${page}.L${snippet.line}.ts` });
    } else {
      if (snippet.startsModule) close();
      open.push(snippet);
    }
  }
  close();
  const end = (step: Step) => step.snippets.at(-1)?.line ?? 0;
  return done.toSorted((a, b) => end(a) - end(b));
};

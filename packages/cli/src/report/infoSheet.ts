/** The info sheet of a run as a page and as Markdown. Both say the same. */
import type { InfoSheet } from "@ml-pipe/ml-pipe";
import { html, nothing, trusted } from "./html.ts";
import { style } from "./style.ts";
import { instant } from "./words.ts";

const lead = (sheet: InfoSheet.InfoSheet): string =>
  `Run ${sheet.run}, started ${instant(sheet.startedAt)}. The record of the run answers ${sheet.answered} of ${sheet.asked} questions; what it cannot know is left to a person. The questions are those of the model info sheet (Kapoor and Narayanan, Patterns 2023) and of REFORMS (Science Advances 2024), in other words.`;

const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** As one HTML file that needs nothing else. */
export const sheetHtml = (sheet: InfoSheet.InfoSheet): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${sheet.pipeline}: info sheet of run ${sheet.run}</title>
        <style>
          ${trusted(style)}
        </style>
      </head>
      <body>
        <main>
          <header>
            <h1>${sheet.pipeline}: info sheet</h1>
            <p class="lead">${lead(sheet)}</p>
          </header>
          ${sheet.sections.map(
            ({ title, questions }) =>
              html`<section>
                <h2>${title}</h2>
                ${questions.map(
                  ({ question, askedBy, answer, forPerson }) =>
                    html`<article>
                      <h3>${question}</h3>
                      ${
                        answer === null
                          ? nothing
                          : html`<p>${answer.text}</p>
                              <p class="muted">From: ${answer.evidence}. Asked by: ${askedBy}.</p>`
                      }
                      ${forPerson === null ? nothing : html`<p><strong>For a person:</strong> ${forPerson}</p>`}
                    </article>`,
                )}
              </section>`,
          )}
        </main>
      </body>
    </html> `.text;

/** As Markdown, to be completed by hand. */
export const sheetMarkdown = (sheet: InfoSheet.InfoSheet): string =>
  [
    `# ${plain(sheet.pipeline)}: info sheet`,
    plain(lead(sheet)),
    ...sheet.sections.flatMap(({ title, questions }) => [
      `## ${title}`,
      ...questions.flatMap(({ question, askedBy, answer, forPerson }) => [
        `### ${plain(question)}`,
        ...(answer === null
          ? []
          : [plain(answer.text), `_From: ${plain(answer.evidence)}. Asked by: ${askedBy}._`]),
        ...(forPerson === null ? [] : [`**For a person:** ${plain(forPerson)}`]),
      ]),
    ]),
    "",
  ].join("\n\n");

/** Text of a run as text of a Markdown page: on one line, and no markup. */
export const plain = (text: string): string =>
  text.replaceAll(/\s+/g, " ").replaceAll(/[\\`*_[\]<>|#]/g, String.raw`\$&`);

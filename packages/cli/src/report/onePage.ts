/** The owner's page: one sheet of A4, to be read and signed. */
import type { OnePage } from "@ml-pipe/ml-pipe";
import { html, type Html, nothing, trusted } from "./html.ts";
import { icon, type Mark, ofVerdict, sprite } from "./status.ts";
import { style } from "./style.ts";
import { instant } from "./words.ts";

const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** Smaller than the report, so that it fits on one sheet; on a screen it looks like one. */
const sheet = `
main{max-width:210mm;padding:14mm 16mm;background:var(--raised)}
h1{font-size:26px}h2{font-size:15px;margin:0 0 4px}
header{padding:0}.question{max-width:none;font-size:18px;line-height:1.4;margin-top:10px}
.verdict{margin-top:16px;padding:14px 18px}.verdict .sentence{font-size:19px}
section{padding:0;margin-top:16px;border:0}section p,section li{font-size:14px;line-height:1.45}
ul{margin:0;padding-left:18px}
.two{display:grid;grid-template-columns:1fr 1fr;gap:0 28px}
.sign{display:grid;grid-template-columns:2fr 1fr 1fr;gap:24px;margin-top:30px}
.sign span{border-top:1px solid var(--muted);padding-top:4px;color:var(--muted);font-size:13px}
.source{color:var(--muted);font-size:12px;margin-top:18px}
@page{size:A4;margin:12mm 15mm}
@media print{main{max-width:none;padding:0;background:none}body,section p,section li{font-size:12px;line-height:1.38}
h1{font-size:22px}h2{font-size:13px}.question{font-size:14px;margin-top:4px}section{margin-top:10px}
.verdict{margin-top:10px;padding:10px 14px}.verdict .sentence{font-size:16px}.sign{margin-top:34px}.source{margin-top:10px}}
@media(max-width:640px){main{padding:20px}.two,.sign{grid-template-columns:1fr}}`;

const marks: { readonly [status in OnePage.OnePage["answer"]["status"]]: Mark } = {
  ...ofVerdict,
  none: { icon: "ring", word: "Not judged", tone: "quiet" },
};

/** As one HTML file that needs nothing else. */
export const onePageHtml = (page: OnePage.OnePage): string => {
  const { answer } = page;
  const mark = marks[answer.status];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${page.pipeline}: the verdict of run ${page.run}</title>
        <style>
          ${trusted(style)}${trusted(sheet)}
        </style>
      </head>
      <body>
        ${sprite}
        <main>
          <header>
            <h1>${page.title}</h1>
            <p class="question">${page.question}</p>
            <div class="verdict ${mark.tone}">
              ${icon(mark.icon)}
              <div>
                <p class="sentence">${answer.sentence}</p>
                <p>${answer.why}</p>
              </div>
            </div>
          </header>
          ${block("What it is worth", page.money)} ${block("What this rests on", page.restsOn)}
          ${block("What could go wrong", page.risks)} ${block("Who decides", page.who)}
          <div class="sign" aria-label="Signature">
            <span>Name</span><span>Decision</span><span>Date</span>
          </div>
          <p class="source">
            Made from the record of run ${page.run} of ${page.pipeline}, started
            ${instant(page.startedAt)}, and from nothing else. The report has the figures: ml-pipe
            report ${page.run}
          </p>
        </main>
      </body>
    </html> `.text;
};

const block = (title: string, lines: ReadonlyArray<string>): Html =>
  lines.length === 0
    ? nothing
    : html`<section>
        <h2>${title}</h2>
        <ul>
          ${lines.map((line) => html`<li>${line}</li>`)}
        </ul>
      </section>`;

/** The report as a reader gets it: opened as a file in a browser, at a desk and on a phone. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { assert, beforeAll, describe, it } from "vitest";
import { renderReport } from "../../packages/cli/src/report/index.ts";
import { Chromium, findChromium } from "./Chromium.ts";
import * as runs from "./runs.ts";

let browser: Chromium;
let folder: string;

beforeAll(async () => {
  browser = await Chromium.start();
  folder = mkdtempSync(join(tmpdir(), "ml-pipe-report-"));
  return async () => {
    await browser.stop();
    rmSync(folder, { recursive: true, force: true });
  };
});

const hostile = `</script><img src=x onerror="document.title='owned'">'"\`{{7*7}}&amp;<svg onload=alert(1)>`;

const reports = {
  passed: runs.passed,
  rejected: runs.rejected,
  failed: runs.failed,
  interrupted: runs.interrupted,
  running: runs.running,
  empty: runs.empty,
  small: runs.small,
  suspended: runs.suspended,
  approved: runs.approved,
  itemsFailed: runs.itemsFailed,
  many: runs.many,
  hostile: runs.withText(runs.passed, hostile),
  unbroken: runs.withText(runs.passed, "x".repeat(300)),
  foreign: runs.withText(runs.rejected, "乗り継ぎ客への警告 ‮تأخير‬ 🛫"),
};

const open = async (
  name: keyof typeof reports,
  view: { readonly width: number; readonly scheme?: "light" | "dark"; readonly media?: "print" },
) => {
  const file = join(folder, `${name}.html`);
  writeFileSync(file, await renderReport(reports[name]));
  await browser.open(pathToFileURL(file).href, { scheme: "light", ...view });
};

/** Elements that stick out of the page at the right, other than inside of what scrolls by itself. */
const overflow = `(() => {
  const page = document.documentElement;
  const out = [...document.querySelectorAll("body *")].filter((element) =>
    element.getBoundingClientRect().right > page.clientWidth + 1 &&
    element.closest(".scroll, nav") === null);
  return {
    width: page.scrollWidth - page.clientWidth,
    out: out.slice(0, 3).map((element) => element.outerHTML.slice(0, 120)),
  };
})()`;

describe("the report in a browser", () => {
  for (const width of [1280, 400]) {
    for (const [name] of Object.entries(reports)) {
      it(`${name} fits a page of ${width} px and complains about nothing`, async () => {
        await open(known(name), { width });
        assert.deepEqual(browser.complaints, []);
        assert.deepEqual(await browser.evaluate(overflow), { width: 0, out: [] });
      });
    }
  }

  it("runs and loads nothing that a record smuggles in", async () => {
    await open("hostile", { width: 1280 });
    const foreign = "script, img, iframe, object, embed, link, [onload], [onerror], [onclick]";
    assert.equal(
      await browser.evaluate(`document.querySelectorAll(${JSON.stringify(foreign)}).length`),
      0,
    );
    assert.include(String(await browser.evaluate("document.title")), hostile);
    assert.include(String(await browser.evaluate("document.body.innerText")), hostile);
    assert.notInclude(String(await browser.evaluate("document.body.innerText")), "49}}");
  });

  it("fails, and says what to install, where there is no browser", () => {
    assert.throws(() => findChromium({ PATH: folder }), /apt-get install chromium/);
  });

  it("shows its sections in order, each with a heading", async () => {
    await open("passed", { width: 1280 });
    assert.deepEqual(
      await browser.evaluate(
        `[...document.querySelectorAll("h2")].map((each) => each.textContent)`,
      ),
      [
        "Charter",
        "Evidence",
        "Leakage",
        "Graph",
        "Figures",
        "Monitoring",
        "Findings",
        "Contracts",
        "Run record",
      ],
    );
    assert.deepEqual(
      await browser.evaluate(
        `[...document.querySelectorAll("nav a")].filter((each) => document.querySelector(each.hash) === null).length`,
      ),
      0,
    );
  });

  it("names every drawing and uses each id once", async () => {
    await open("passed", { width: 1280 });
    const unnamed = `[...document.querySelectorAll('svg[role="img"]')].filter((svg) =>
      svg.getAttribute("aria-labelledby").split(" ").some((id) => !document.getElementById(id)?.textContent)).length`;
    assert.equal(await browser.evaluate(unnamed), 0);
    const twice = `(() => { const ids = [...document.querySelectorAll("[id]")].map((each) => each.id);
      return ids.filter((id, index) => ids.indexOf(id) !== index); })()`;
    assert.deepEqual(await browser.evaluate(twice), []);
  });

  it("draws lines that stand out, in light and in dark", async () => {
    for (const [scheme, name] of [
      ["light", "passed"],
      ["dark", "passed"],
      ["light", "suspended"],
      ["dark", "suspended"],
    ] as const) {
      await open(name, { width: 1280, scheme });
      const ratios = await browser.evaluate(contrasts);
      assert.isArray(ratios);
      assert.isAbove(Array.isArray(ratios) ? ratios.length : 0, 20);
      assert.deepEqual(
        (Array.isArray(ratios) ? ratios : []).filter(({ ratio, least }) => ratio < least),
        [],
        scheme,
      );
    }
  });

  it("keeps the words of nodes inside of their shapes", async () => {
    const out = `[...document.querySelectorAll(".graph.whole .node")].filter((node) => {
      const shape = node.querySelector(".shape").getBoundingClientRect();
      const [x, y] = [shape.x + shape.width / 2, shape.y + shape.height / 2];
      const far = node.matches(".diamond")
        ? (a, b) => Math.abs(a - x) / (shape.width / 2) + Math.abs(b - y) / (shape.height / 2)
        : (a, b) => Math.max(Math.abs(a - x) / (shape.width / 2), Math.abs(b - y) / (shape.height / 2));
      return [...node.querySelectorAll("text")].some((text) => {
        const { left, right, top, bottom } = text.getBoundingClientRect();
        // Letters do not fill the line that they stand on.
        const [high, low] = [top + 4, bottom - 4];
        return [[left, high], [right, high], [left, low], [right, low]].some(([a, b]) => far(a, b) > 1);
      });
    }).map((node) => node.textContent)`;
    for (const name of ["passed", "suspended", "itemsFailed"] as const) {
      await open(name, { width: 1280 });
      assert.deepEqual(await browser.evaluate(out), [], name);
    }
  });

  it("draws stacks, diamonds, branches and sub-pipelines, which contain their stages", async () => {
    await open("suspended", { width: 1280 });
    const whole = (selector: string) =>
      browser.evaluate(`document.querySelectorAll(".graph.whole ${selector}").length`);
    assert.deepEqual(
      [
        await whole(".sheet"),
        await whole(".diamond"),
        await whole(".branch"),
        await whole(".cluster"),
      ],
      [2, 1, 2, 3],
    );
    const strays = `(() => {
      const box = (element) => element.getBoundingClientRect();
      const named = (selector, name) => [...document.querySelectorAll(".graph.whole " + selector)]
        .find((each) => each.querySelector("text").textContent === name);
      const holds = (cluster, name) => {
        const [outer, inner] = [box(named(".cluster", cluster).querySelector("rect")), box(named(".node", name))];
        return outer.left < inner.left && outer.right > inner.right && outer.top < inner.top && outer.bottom > inner.bottom;
      };
      return [["prepare", "clean"], ["prepare", "count"], ["text", "count"], ["text", "split"], ["drift", "check"]]
        .filter(([cluster, name]) => !holds(cluster, name));
    })()`;
    assert.deepEqual(await browser.evaluate(strays), []);
  });

  it("says what it waits for and how to answer, and then who answered", async () => {
    const text = () => browser.evaluate("document.body.innerText").then(String);
    await open("suspended", { width: 1280 });
    const asked = await text();
    assert.include(asked, "Release the models to all stores?");
    assert.include(asked, "head-of-operations and data-protection");
    assert.include(asked, "ben, who started the run");
    assert.match(asked, /ml-pipe approve \S+ sign-off --as NAME/);
    assert.notInclude(asked, "ended with");
    await open("approved", { width: 1280 });
    const answered = await text();
    assert.include(answered, "Approved");
    assert.include(answered, "the gain pays for the seats");
    assert.include(answered, '{"rolloutPercent":10}');
    assert.notInclude(answered, "ml-pipe approve");
  });

  it("lists attempts, items and what stages ask for, and does not draw a thousand stages", async () => {
    const text = () => browser.evaluate("document.body.textContent").then(String);
    await open("itemsFailed", { width: 1280 });
    const failed = await text();
    assert.include(failed, "3 attempts");
    assert.include(failed, "503 from the list of stores");
    assert.include(failed, "Tried again after 2 s.");
    assert.include(failed, "1000 of 1000 items, 30 reused, 70 failed");
    assert.include(failed, "store store-19 sold nothing in May");
    assert.notInclude(failed, "store store-20 sold nothing");
    assert.include(failed, "and 50 more");
    assert.include(failed, "Asks for all cores and 4 GiB of memory");
    await open("many", { width: 1280 });
    assert.include(await text(), "1000 stages are too many to draw");
    assert.equal(
      await browser.evaluate(`document.querySelectorAll("table.text tbody tr").length`),
      1_000,
    );
  });

  it("prints in dark ink, without what only a screen can use", async () => {
    await open("passed", { width: 760, scheme: "dark", media: "print" });
    assert.equal(
      await browser.evaluate(`getComputedStyle(document.querySelector("nav")).display`),
      "none",
    );
    assert.equal(
      await browser.evaluate(`getComputedStyle(document.body).backgroundColor`),
      "rgb(255, 255, 255)",
    );
    assert.equal(
      await browser.evaluate(`getComputedStyle(document.body).color`),
      "rgb(29, 31, 36)",
    );
  });
});

const known = (name: string): keyof typeof reports => {
  if (!isKnown(name)) throw new Error(`no report ${name}`);
  return name;
};
const isKnown = (name: string): name is keyof typeof reports => name in reports;

/**
 * Contrast (WCAG 2.2, 1.4.3 and 1.4.11) of text and of chart lines with what is behind them: at least
 * 4.5 and 3.
 */
const contrasts = `(() => {
  const channels = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = channels(color).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (channels(color)[3] !== 0) return color;
    }
  };
  const ratio = (a, b) => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };
  const text = [...document.querySelectorAll("p, dt, dd, th, td, h1, h2, h3, h4, a, .badge, summary, code, li")]
    .map((element) => ({ what: element.textContent.slice(0, 40), least: 4.5, ratio: ratio(getComputedStyle(element).color, behind(element)) }));
  const lines = [...document.querySelectorAll('.plot g[aria-label="line"]:not(.diagonal)')]
    .map((element) => ({ what: element.outerHTML.slice(0, 80), least: 3, ratio: ratio(getComputedStyle(element).stroke, behind(element)) }));
  const labels = [...document.querySelectorAll(".plot text, .graph text")]
    .map((element) => ({ what: element.textContent, least: 4.5, ratio: ratio(getComputedStyle(element).fill, behind(element)) }));
  return [...text, ...lines, ...labels];
})()`;

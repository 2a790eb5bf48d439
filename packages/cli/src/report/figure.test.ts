import type { Exhibit } from "@ml-pipe/core";
import { assert, describe, it } from "vitest";
import { figure } from "./figure.ts";
import { type LineExhibit, thin } from "./line.ts";

const draw = (exhibit: Exhibit.Exhibit) => figure(exhibit, "f").text.replaceAll(/\s+/g, " ");
const line = (more: Partial<LineExhibit>): LineExhibit => ({
  _tag: "line",
  title: "Drift",
  x: { label: "day" },
  y: { label: "PSI" },
  series: [
    {
      name: "a",
      points: [
        [0, 1],
        [1, 2],
      ],
    },
  ],
  ...more,
});
const occurrences = (text: string, part: string) => text.split(part).length - 1;

describe("a line chart", () => {
  it("has a name, a description, labelled axes and the numbers", () => {
    const text = draw(line({ rules: [{ y: 1.5, label: "watch" }] }));
    assert.include(text, 'role="img" aria-labelledby="f-title f-desc"');
    assert.include(
      text,
      "Line chart of PSI by day. a: from 1 at 0 to 2 at 1. Reference line watch at 1.5.",
    );
    assert.include(text, '<p class="axis">PSI</p>');
    assert.include(text, '<p class="axis x">day</p>');
    assert.include(text, "<summary>Numbers</summary>");
  });

  it("tells several series apart by colour and by dashes, in a legend", () => {
    const series = ["a", "b", "c"].map((name) => ({
      name,
      points: [
        [0, 1],
        [1, 2],
      ] as const,
    }));
    const text = draw(line({ series }));
    assert.equal(occurrences(text, "<li>"), 3);
    for (const n of [1, 2, 3]) assert.include(text, `stroke="var(--s${n})"`);
    assert.equal(occurrences(text, 'stroke-dasharray="7 3"'), 2);
    assert.notInclude(draw(line({})), 'class="legend"');
  });

  it("puts dates on a time axis", () => {
    const points = [0, 10, 20, 30].map((day) => [Date.UTC(2001, 5, 1 + day), day] as const);
    const text = draw(line({ x: { label: "day", kind: "time" }, series: [{ name: "a", points }] }));
    assert.include(text, "Jun");
    assert.include(text, "from 0 at 1 Jun 2001 to 30 at 1 Jul 2001");
  });

  it("draws the diagonal where both axes are of one kind", () => {
    assert.include(draw(line({ diagonal: true })), 'class="diagonal"');
    const time = line({ diagonal: true, x: { label: "day", kind: "time" } });
    assert.notInclude(draw(time), 'class="diagonal"');
  });

  it("says which points are not on a logarithmic axis", () => {
    const series = [
      {
        name: "a",
        points: [
          [1, 0],
          [10, 5],
          [100, 50],
        ] as const,
      },
    ];
    const text = draw(line({ y: { label: "ms", kind: "log" }, series }));
    assert.include(text, "1 point cannot be shown on a logarithmic axis.");
    assert.notInclude(text, "NaN");
  });

  it("copes with no points, one point and equal points", () => {
    assert.include(draw(line({ series: [] })), "No points to draw.");
    assert.include(draw(line({ series: [{ name: "a", points: [] }] })), "No points to draw.");
    for (const points of [
      [[3, 3]] as const,
      [
        [3, 3],
        [3, 3],
      ] as const,
    ]) {
      for (const kind of ["number", "time", "log"] as const) {
        const text = draw(
          line({ x: { label: "x", kind }, diagonal: true, series: [{ name: "a", points }] }),
        );
        assert.notMatch(text, /NaN|undefined|Infinity/);
      }
    }
    assert.include(draw(line({ series: [{ name: "a", points: [[3, 3]] }] })), "<circle");
  });

  it("stays small with very many points, and keeps their extremes", () => {
    const points = Array.from(
      { length: 100_000 },
      (_, x) => [x, x === 54_321 ? 99 : Math.sin(x)] as const,
    );
    const kept = thin(points);
    assert.isAtMost(kept.length, 810);
    assert.deepEqual([kept[0], kept.at(-1)], [points[0], points.at(-1)]);
    assert.isTrue(kept.some(([, y]) => y === 99));
    const text = draw(line({ series: [{ name: "a", points }] }));
    assert.isBelow(text.length, 30_000);
    assert.match(text, /Drawn with [\d,]+ of 100,000 points/);
  });
});

describe("a bar chart", () => {
  const bars = [
    { name: "ATL", value: 0.61, lower: 0.48, upper: 0.74 },
    { name: "ATL", value: -0.2 },
  ];

  it("draws a bar for each, whiskers for intervals, and the reference", () => {
    const text = draw({
      _tag: "bar",
      title: "Gain",
      value: { label: "USD per flight" },
      bars,
      reference: { value: 0.25, label: "smallest gain" },
    });
    assert.equal(/class="bars"[^>]*>(.*?)<\/g>/.exec(text)?.[1]?.split("<rect").length, 3);
    assert.equal(occurrences(text, 'class="whisker"'), 3);
    assert.include(text, 'class="reference"');
    assert.include(text, "ATL: 0.61 (0.48 to 0.74). ATL: -0.2. Reference smallest gain at 0.25.");
  });

  it("copes with none, with many and with a logarithmic axis", () => {
    const of = (bars: ReadonlyArray<{ name: string; value: number }>, kind: "number" | "log") =>
      draw({ _tag: "bar", title: "Gain", value: { label: "x", kind }, bars });
    assert.include(of([], "number"), "No bars to draw.");
    const many = Array.from({ length: 100 }, (_, n) => ({ name: `b${n}`, value: n }));
    assert.include(of(many, "number"), "The first 40 of 100 bars.");
    assert.include(of(many.slice(0, 3), "log"), "1 bar cannot be shown on this axis.");
    assert.notMatch(of([{ name: "zero", value: 0 }], "number"), /NaN|undefined/);
  });
});

describe("a table", () => {
  const table = (rows: ReadonlyArray<ReadonlyArray<string | number | null>>) =>
    draw({ _tag: "table", title: "Rows", columns: ["role", "rows"], rows });

  it("aligns numbers and shows a dash for nothing", () => {
    const text = table([
      ["train", 1_731_204],
      ["live", null],
    ]);
    assert.include(text, '<td class="number">1,731,204</td>');
    assert.include(text, '<td class="number">–</td>');
  });

  it("copes with none, with rows of other lengths and with many", () => {
    assert.include(table([]), "No rows.");
    assert.notMatch(table([["a"], ["b", 1, "more"], []]), /undefined|NaN/);
    const many = table(Array.from({ length: 1000 }, (_, n) => ["r", n]));
    assert.include(many, "The first 200 of 1000 rows.");
    assert.equal(occurrences(many, "<tr>"), 201);
  });

  it("small histograms: what is marked comes first, text of the run is escaped", () => {
    const { text } = figure(
      {
        _tag: "histograms",
        title: "Distributions",
        series: ["before", "now"],
        panels: [
          {
            name: "n",
            bins: { kind: "number", edges: [0, 1, 2] },
            shares: [
              [0.25, 0.75],
              [0.5, 0.5],
            ],
            facts: [["mean", "1.2"]],
          },
          {
            name: "<b>",
            about: "psi 0.4",
            marked: true,
            bins: { kind: "category", labels: ["<i>", ""] },
            shares: [
              [0.9, 0.1],
              [0.2, 0.8],
            ],
            facts: [],
          },
          {
            name: "none",
            bins: { kind: "time", edges: [0, 86_400_000] },
            shares: [[0], [0]],
            facts: [],
          },
        ],
      },
      "f",
    );
    assert.isBelow(text.indexOf("&lt;b&gt;"), text.indexOf("<h5>n</h5>"));
    assert.notInclude(text, "<b>psi");
    assert.include(text, "&lt;i&gt;");
    assert.include(text, "90 → 20 %");
    assert.include(text, "from 0 to 2");
    assert.include(text, "No values.");
  });
});

import { assert, describe, it } from "vitest";
import { ownersOf } from "./stageAt.ts";

const source = `
import { Hook, Pipeline, Stage, Train } from "@ml-pipe/ml-pipe";
export const limit: number = 3;
const load = Stage.make("load-it", { run: (): number => /*a*/ 1 });
const train = Train.boostedTrees({ trees: /*b*/ "many" });
const helper = (x: number) => /*c*/ x;
export default Pipeline.make("p", { charter: /*d*/ null }, () => {
  const rows = load({ /*e*/ });
  const model = train({ rows, /*f*/ });
  const found = Validate.gate({ model: /*g*/ model });
  Pipeline.feedback({ on: found, hook: Hook.rerun({ armAt: /*h*/ "x" }) });
  return { found };
});
`;

const at = (mark: string) => {
  const before = source.slice(0, source.indexOf(mark)).split("\n");
  return ownersOf(source)({ line: before.length, column: (before.at(-1) ?? "").length + 1 });
};

describe("the stage at a place", () => {
  it("is the one defined there, by the name it was given", () => {
    assert.deepStrictEqual(at("/*a*/"), { kind: "stage", name: "load-it", called: false });
  });
  it("is the constant that the pipeline calls", () => {
    assert.deepStrictEqual(at("/*b*/"), { kind: "stage", name: "train", called: false });
  });
  it("is the one called there", () => {
    assert.deepStrictEqual(at("/*e*/"), { kind: "stage", name: "load-it", called: true });
    assert.deepStrictEqual(at("/*f*/"), { kind: "stage", name: "train", called: true });
    assert.deepStrictEqual(at("/*g*/"), { kind: "stage", name: "gate", called: true });
  });
  it("is none in hooks and elsewhere; constants have their name", () => {
    assert.isUndefined(at("/*h*/"));
    assert.isUndefined(at("/*c*/"));
    assert.deepStrictEqual(at("limit: number"), { kind: "constant", name: "limit" });
  });
  it("is none in what is not a program", () => {
    assert.isUndefined(ownersOf("const = 3")({ line: 1, column: 1 }));
  });
});

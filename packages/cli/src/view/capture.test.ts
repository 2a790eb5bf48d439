import { assert, it } from "vitest";
import { type Capturable, capture } from "./capture.ts";

const stream = () => {
  const written: Array<string> = [];
  const target: Capturable = {
    write: (chunk: string | Uint8Array) => {
      written.push(String(chunk));
      return true;
    },
  };
  return { written, target };
};

it("tells whole lines of whatever is written, and nothing reaches the stream", () => {
  const { written, target } = stream();
  const told: Array<string> = [];
  const captured = capture(target, (line) => void told.push(line));
  target.write("one\ntw");
  target.write("o\nthree");
  const bytes = Buffer.from(" データ\n");
  target.write(bytes.subarray(0, 3));
  target.write(bytes.subarray(3));
  target.write("6c617374", "hex");
  assert.deepStrictEqual(told, ["one", "two", "three データ"]);
  assert.deepStrictEqual(written, []);
  captured.write("past it");
  assert.deepStrictEqual(written, ["past it"]);
  captured.release();
  assert.deepStrictEqual(told.at(-1), "last");
  target.write("after");
  captured.release();
  assert.deepStrictEqual(written, ["past it", "after"]);
});

it("keeps colours, and nothing that moves the cursor, clears or rings", () => {
  const { target } = stream();
  const told: Array<string> = [];
  capture(target, (line) => void told.push(line));
  target.write("\u001b[31mred\u001b[39m\u001b[2A\u001b[2K\u001b]0;title\u0007\u0007!\n");
  target.write("10 %\r50 %\r100 %\r\n");
  assert.deepStrictEqual(told, ["\u001b[31mred\u001b[39m!", "100 %"]);
});

it("calls back as the stream would", async () => {
  const { target } = stream();
  capture(target, () => {});
  await new Promise<void>((resolve) => void target.write("x", () => resolve()));
  await new Promise<void>((resolve) => void target.write("x", "utf8", () => resolve()));
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as Effect from "effect/Effect";
import { afterAll, assert, beforeAll, describe, it } from "vitest";
import { publishIn } from "../../packages/deploy/test-fixtures/stateFolder.ts";
import { request } from "../../packages/deploy/test-fixtures/trips.ts";

/** The service as a process of its own. */
const serve = (env: NodeJS.ProcessEnv) => {
  const file = fileURLToPath(new URL("server.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@ml-pipe/source", file], {
    env: { ...process.env, PORT: "0", ...env },
  });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => (out += chunk));
  child.stderr.on("data", (chunk) => (err += chunk));
  return { child, out: () => out, err: () => err };
};

describe("the service", () => {
  let folder = "";
  let url = "";
  let service: ReturnType<typeof serve>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ml-pipe-embed-"));
    await Effect.runPromise(publishIn(folder));
    service = serve({ STATE: folder, RELEASE: "trip-delay" });
    await Promise.race([once(service.child.stdout, "data"), once(service.child, "exit")]);
    url = `http://127.0.0.1:${/port: (\d+)/.exec(service.out())?.[1]}`;
  });
  afterAll(async () => {
    service.child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });

  const post = async (body: string) => {
    const reply = await fetch(`${url}/should-we-warn`, { method: "POST", body });
    const json: unknown = await reply.json();
    return { status: reply.status, json };
  };

  it("predicts", async () => {
    assert.deepStrictEqual(await post(JSON.stringify(request)), {
      status: 200,
      json: { warn: true, probability: 1 / (1 + Math.exp(-0.6)), answeredBy: "trip-delay@1" },
    });
  });

  it("says all that is wrong with a request", async () => {
    const { status, json } = await post(JSON.stringify({ ...request, km: "far", from: undefined }));
    assert.strictEqual(status, 422);
    assert.deepStrictEqual(json, {
      problems: [
        {
          field: "from",
          expected: "text that matches [A-Z]{3}",
          found: "nothing: the field is missing",
        },
        { field: "km", expected: "a whole number from 1 to 5000 (km)", found: '"far"' },
      ],
    });
  });

  it("refuses what is not JSON, and what is too long", async () => {
    const notJson = await post("{");
    assert.strictEqual(notJson.status, 400);
    const tooLong = await post("1".repeat(100_000));
    assert.deepStrictEqual(tooLong, { status: 400, json: { error: "the body is too long" } });
  });

  it("shows an example to those who are lost", async () => {
    const reply = await fetch(url);
    assert.strictEqual(reply.status, 404);
    const { example } = Object(await reply.json());
    assert.strictEqual((await post(JSON.stringify(example))).status, 200);
  });

  it("does not start without its release, and says which there is", async () => {
    const { child, err } = serve({ STATE: folder, RELEASE: "trip-dely" });
    const [code] = await once(child, "close");
    assert.strictEqual(code, 1);
    assert.include(err(), 'there is no release "trip-dely". Did you mean trip-delay?');
  });

  it("ends on SIGTERM", async () => {
    service.child.kill("SIGTERM");
    const [code] = await once(service.child, "close");
    assert.strictEqual(code, 0);
  });
});

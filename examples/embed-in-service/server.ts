/** An ordinary HTTP service. One of its routes predicts with a released model. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { openRelease } from "@ml-pipe/deploy/embed";

const { STATE = ".ml-pipe", RELEASE = "flight-delay", PORT = "3000" } = process.env;
const model = await openRelease(STATE, RELEASE);

const send = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

const readJson = async (request: IncomingMessage): Promise<unknown> => {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += chunk;
    if (text.length > 10_000) throw new Error("the body is too long");
  }
  return JSON.parse(text);
};

const server = createServer(async (request, response) => {
  if (request.method !== "POST" || request.url !== "/should-we-warn") {
    return send(response, 404, { error: "POST /should-we-warn", example: model.example });
  }
  try {
    const result = model.predict(await readJson(request));
    if (!result.ok) return send(response, 422, { problems: result.problems });
    const { act, probability, release } = result.prediction;
    return send(response, 200, { warn: act, probability, answeredBy: release });
  } catch (error) {
    return send(response, 400, { error: error instanceof Error ? error.message : "not JSON" });
  }
});

server.listen(Number(PORT), "127.0.0.1", () => console.log("listening", server.address()));
process.once("SIGTERM", () => server.close());

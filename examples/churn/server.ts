/** The billing service: before a bill is printed it asks whether to offer a discount on it. */
import { createServer, type IncomingMessage } from "node:http";
import { openRelease } from "@ml-pipe/deploy/embed";

const { STATE = ".ml-pipe", RELEASE = "churn", PORT = "3000" } = process.env;
const churn = await openRelease(STATE, RELEASE);

const readJson = async (request: IncomingMessage): Promise<unknown> => {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += chunk;
    if (text.length > 10_000) throw new Error("the body is too long");
  }
  return JSON.parse(text);
};

/** The line on the bill, or none. Whatever goes wrong, the bill is printed: then without an offer. */
const lineOf = async (request: IncomingMessage) => {
  try {
    const result = churn.predict(await readJson(request));
    if (!result.ok) return { offer: null, problems: result.problems };
    const { act, probability, release } = result.prediction;
    const offer = act ? "Two months at half price, if you stay for a year" : null;
    return { offer, probability, decidedBy: release };
  } catch (error) {
    return { offer: null, problems: [error instanceof Error ? error.message : "not JSON"] };
  }
};

const server = createServer(async (request, response) => {
  const known = request.method === "POST" && request.url === "/bill-line";
  response
    .writeHead(known ? 200 : 404, { "content-type": "application/json" })
    .end(JSON.stringify(known ? await lineOf(request) : { error: "POST /bill-line" }));
});

server.listen(Number(PORT), "127.0.0.1", () => console.log("listening", server.address()));
process.once("SIGTERM", () => server.close());

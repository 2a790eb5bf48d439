import { createRequire } from "node:module";

const { version } = createRequire(import.meta.url)("../package.json");
process.stdout.write(`ml-pipe ${version}\n`);

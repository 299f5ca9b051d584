// Sites of other origins than Signet's: the built app, and pages that mean no good.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { SIGNET } from "./origin.mjs";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};

const CLIENT = fileURLToPath(new URL("../../../clients/js/src", import.meta.url));

/** A page with the client and nothing else, as `signet` in its window. */
const bare = (options) => `<!doctype html><title>bare</title><script type="module">
import { createClient } from "/client/index.js";
window.signet = createClient(${JSON.stringify(options)});
</script>`;

/** The built app with this `config.json`; and at `/bare.html` the client alone, as it is. */
export function startApp(config) {
  const made = {
    "/config.json": JSON.stringify(config),
    "/bare.html": bare({ baseUrl: SIGNET, ...config }),
  };
  return listen("127.0.0.1", async ({ url }, response) => {
    const { pathname } = new URL(url, "http://any");
    const path = pathname === "/" ? "/index.html" : pathname;
    response.setHeader("Content-Type", TYPES[extname(path)] ?? "text/plain");
    const file = path.startsWith("/client/")
      ? join(CLIENT, path.slice("/client/".length))
      : join(process.env.SPA_BUILD, path);
    try {
      response.end(made[path] ?? (await readFile(file)));
    } catch {
      response.writeHead(404).end();
    }
  });
}

/** An empty page; on `localhost` it is another site than 127.0.0.1, there only another origin. */
export function startHostile(host) {
  return listen(host, (_, response) => {
    response.setHeader("Content-Type", TYPES[".html"]);
    response.end("<!doctype html><title>hostile</title>");
  });
}

async function listen(host, answer) {
  const server = createServer(answer);
  await new Promise((resolve) => server.listen(0, host, resolve));
  return {
    origin: `http://${host}:${server.address().port}`,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

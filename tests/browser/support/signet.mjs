// The real server, on a database of its own, with its mails in a directory.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { SIGNET } from "./origin.mjs";
import { until } from "./until.mjs";

/** @param {{ mode: "body" | "cookie", app: string, settings?: Record<string, string> }} options */
export async function startSignet({ mode, app, settings = {} }) {
  const directory = await mkdtemp(join(tmpdir(), "signet-browser-"));
  const mails = join(directory, "mail");
  const child = spawn(process.env.SIGNET_BINARY, ["serve"], {
    cwd: directory,
    env: {
      PATH: process.env.PATH,
      SIGNET_SERVER__LISTEN: new URL(SIGNET).host,
      SIGNET_SERVER__ADMIN_LISTEN: "",
      SIGNET_SERVER__PUBLIC_URL: SIGNET,
      SIGNET_MAIL__TRANSPORT: "file",
      SIGNET_MAIL__DIRECTORY: mails,
      SIGNET_LINKS__CONFIRM_EMAIL: `${app}/#/confirm/{key}`,
      SIGNET_LINKS__CHANGE_EMAIL: `${app}/#/email/{key}`,
      SIGNET_LINKS__RESET_PASSWORD: `${app}/#/reset/{uid}/{token}`,
      SIGNET_CORS__ORIGINS: app,
      SIGNET_COOKIES__ENABLED: String(mode === "cookie"),
      SIGNET_LIMITS__ENABLED: "false",
      ...settings,
    },
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (log += text));
  const stopped = new Promise((resolve) => child.once("close", resolve));
  await until("Signet is ready", async () => {
    if (child.exitCode !== null) throw new Error(`Signet did not start:\n${log}`);
    return (await fetch(`${SIGNET}/readyz`).catch(() => null))?.ok;
  });
  return {
    /** The link in the newest mail to this address, once there is one that matches. */
    link: (address, pattern) => until(`a mail to ${address}`, () => newestLink(mails, address, pattern)),
    log: () => log,
    async stop() {
      child.kill();
      await stopped;
      await rm(directory, { recursive: true });
    },
  };
}

async function newestLink(directory, address, pattern) {
  const names = (await readdir(directory).catch(() => [])).filter((name) => name.endsWith(".eml"));
  // their names sort by time
  for (const name of names.sort().reverse()) {
    const mail = readable(await readFile(join(directory, name), "latin1"));
    const link = mail.includes(`To: ${address}`) && mail.match(pattern);
    if (link) return link[0];
  }
  return null;
}

/** Quoted-printable (RFC 2045, 6.7) undone. */
const readable = (mail) =>
  mail.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));

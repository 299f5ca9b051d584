// The one client of the app, made once its configuration is read.

import { createClient, type Client, type EndReason, type Mode } from "@signet/client";

interface Config {
  mode: Mode;
  csrf: boolean;
}

export let signet: Client;

/** Where Signet is was fixed by the build, for the content security policy names it. */
export async function connect(onSessionEnd: (reason: EndReason) => void): Promise<void> {
  const config: Config = await (await fetch("config.json")).json();
  const baseUrl = import.meta.env.VITE_SIGNET_URL ?? "";
  signet = createClient({ baseUrl, ...config, onSessionEnd });
}

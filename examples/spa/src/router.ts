// Which page is shown, by the fragment of the URL. Links in mails carry secrets, and what stands
// in the fragment is sent to no server, nor to another site as Referer.

import { SignetError } from "@signet/client";

import { h, card } from "./dom";
import { signet } from "./signet";

export interface Route {
  /** `/reset/:uid/:token` */
  path: string;
  view: (...parameters: string[]) => HTMLElement | Promise<HTMLElement>;
  /** Who sees it; everybody, if it is not said. */
  for?: "anonymous" | "authenticated";
}

let routes: Route[] = [];
let notice = "";
/** Counts what is shown, so that a page that comes late is not shown over a newer one. */
let turn = 0;

export function start(all: Route[]): void {
  routes = all;
  addEventListener("hashchange", () => void show());
  void show();
}

/** Goes to another page, which says `text` on top. */
export function go(path: string, text = ""): void {
  notice = text;
  if (location.hash === `#${path}`) void show();
  else location.hash = path;
}

/** Shows the page of the URL, or where one belongs instead. */
export async function show(): Promise<void> {
  const path = location.hash.slice(1) || "/profile";
  const [route, parameters] = find(path);
  const belongs = route?.for ?? signet.state;
  if (belongs !== signet.state) {
    go(signet.state === "anonymous" ? "/login" : "/profile", notice);
    return;
  }
  const mine = ++turn;
  const text = notice;
  notice = "";
  const main = document.querySelector("main")!;
  main.setAttribute("aria-busy", "true");
  const content = await render(route, parameters);
  if (mine !== turn || content === null) return;
  main.removeAttribute("aria-busy");
  main.replaceChildren(...(text ? [h("p", { class: "notice", role: "status" }, text)] : []), content);
  const heading = main.querySelector("h1");
  document.title = `${heading?.textContent ?? ""} – Signet`;
  heading?.focus();
}

function find(path: string): [Route | undefined, string[]] {
  const words = path.split("/").filter(Boolean);
  for (const route of routes) {
    const pattern = route.path.split("/").filter(Boolean);
    const matches = pattern.length === words.length && pattern.every((part, at) => part.startsWith(":") || part === words[at]);
    if (matches) return [route, words.filter((_, at) => pattern[at]!.startsWith(":")).map(decodeURIComponent)];
  }
  return [undefined, []];
}

/** `null`: the session is over, and another page is on its way. */
async function render(route: Route | undefined, parameters: string[]): Promise<HTMLElement | null> {
  if (!route) return card("Not found", h("p", {}, "There is no such page."));
  try {
    return await route.view(...parameters);
  } catch (error) {
    if (!(error instanceof SignetError)) throw error;
    if (error.status === 401 && signet.state === "anonymous") return null;
    const again = h("button", { type: "button", onclick: () => void show() }, "Try again");
    return card("That did not work", h("p", { role: "alert" }, error.detail), again);
  }
}

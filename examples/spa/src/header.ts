// The top of every page: the name, and the way around for who is logged in.

import { SignetError } from "@signet/client";

import { h, link } from "./dom";
import { go } from "./router";
import { signet } from "./signet";

export function showHeader(): void {
  const icon = h("img", { src: "./icon.svg", alt: "", width: "28", height: "28" });
  const brand = h("a", { href: "#/", class: "brand" }, icon, "Signet");
  const nav = signet.state === "authenticated" ? navigation() : null;
  document.querySelector("header")!.replaceChildren(...[brand, nav].filter((part) => part !== null));
  markCurrent();
}

/** Tells also those who do not see it where they are. */
export function markCurrent(): void {
  for (const anchor of document.querySelectorAll("nav a")) {
    if (anchor.getAttribute("href") === (location.hash || "#/profile")) anchor.setAttribute("aria-current", "page");
    else anchor.removeAttribute("aria-current");
  }
}

function navigation(): HTMLElement {
  const leave = h("button", { type: "button", class: "plain", onclick: () => void logout() }, "Log out");
  return h("nav", { "aria-label": "Account" }, link("/profile", "Profile"), link("/devices", "Devices"), leave);
}

async function logout(): Promise<void> {
  try {
    await signet.logout();
  } catch (error) {
    if (!(error instanceof SignetError)) throw error;
    // Cookies only Signet can take away: who believes to have left should know.
    if (signet.state === "authenticated") go(location.hash.slice(1), `${error.detail} You are still logged in.`);
  }
}

// Chromium, once per test file.

import { chromium } from "playwright-core";

/** No sandbox: that cannot be had as root. The rest keeps Chromium from calling home. */
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const startBrowser = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });

/** A person's browser: nothing stored, and every complaint of a page is an error of the test. */
export async function newPerson(browser, options = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(20_000);
  const complaints = [];
  context.on("weberror", (error) => complaints.push(error.error().message));
  context.on("console", (message) => {
    if (/Content Security Policy|Uncaught/.test(message.text())) complaints.push(message.text());
  });
  return { context, complaints };
}

// Every page on a phone and on a desk, light and dark: nothing sticks out, everything has a name,
// and nothing breaks the content security policy. SIGNET_SCREENSHOTS=directory keeps the pictures.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { App, PASSWORD } from "./support/app.mjs";
import { setUp } from "./support/world.mjs";

const directory = process.env.SIGNET_SCREENSHOTS;
if (directory) mkdirSync(directory, { recursive: true });

const before = {
  login: ["/login", "Log in"],
  register: ["/register", "Create an account"],
  "check-mail": ["/check-mail/ann%40example.com", "Check your mail"],
  confirm: ["/confirm/key", "Confirm your address"],
  forgot: ["/forgot", "Forgot your password?"],
  reset: ["/reset/uid/token", "Choose a new password"],
};
const inside = {
  profile: ["/profile", "Profile"],
  devices: ["/devices", "Devices"],
  email: ["/email/key", "Confirm your new address"],
};

for (const width of [390, 1000]) {
  for (const colorScheme of ["light", "dark"]) {
    describe(`${width} pixels, ${colorScheme}`, () => {
      const world = setUp({ mode: "body" });
      const look = { viewport: { width, height: 800 }, colorScheme };

      async function inspect({ page }, name) {
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.equal(wide, false, `${name} sticks out`);
        for (const control of await page.locator("input, button").all()) {
          assert.notEqual(await control.ariaSnapshot(), "", name);
        }
        if (!directory) return;
        const path = join(directory, `${name}-${width}-${colorScheme}.png`);
        await page.screenshot({ path, fullPage: true });
      }

      async function visitAll(app, pages) {
        for (const [name, [path, heading]] of Object.entries(pages)) {
          await app.visit(path);
          await app.heading(heading);
          await inspect(app, name);
        }
      }

      test("all pages", async () => {
        const { context, complaints } = await world.newPerson(look);
        const app = await App.open(context, world.site.origin);
        await visitAll(app, before);
        await app.visit("/register");
        await app.fill({ "User name": "not a name", "E-mail address": "nowhere", Password: "a" });
        await app.press("Create account");
        await app.says("Enter a valid email address.");
        const invalid = app.page.locator("[aria-invalid]");
        assert.equal(await app.page.evaluate(() => document.activeElement.name), "username");
        assert.match(await invalid.first().getAttribute("aria-describedby"), /-error/);
        await inspect(app, "errors");
        const name = await world.enrol();
        await app.login(name);
        await visitAll(app, inside);
        assert.deepEqual(complaints, []);
      });
    });
  }
}

describe("limits", () => {
  const settings = { SIGNET_LIMITS__ENABLED: "true", SIGNET_LIMITS__LOGINS_PER_MINUTE: "1" };
  const world = setUp({ mode: "body", settings });

  test("the app says how long to wait, and waits", async () => {
    const name = await world.enrol();
    const { context } = await world.newPerson();
    const app = await App.open(context, world.site.origin, "/login");
    const button = app.page.locator("main button");
    for (let tries = 0; (await button.isEnabled()) && tries < 5; tries += 1) {
      await app.fill({ "User name or e-mail address": name, Password: `not ${PASSWORD}` });
      const answered = app.page.waitForResponse(/login/);
      await button.click();
      if ((await answered).status() === 429) break;
      await app.says("Unable to log in with provided credentials.");
    }
    await app.page.getByRole("button", { name: /^Log in \(in \d+ s\)$/, disabled: true }).waitFor();
    assert.match(await app.page.getByRole("alert").filter({ hasText: "throttled" }).innerText(), /\d+ second/);
  });
});

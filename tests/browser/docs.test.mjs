// The page of the API at /docs: log in there and try calls, with tokens in the page and in cookies.
// SIGNET_SCREENSHOTS=directory keeps the pictures.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import { PASSWORD } from "./support/app.mjs";
import { SIGNET } from "./support/origin.mjs";
import { registration, setUp } from "./support/world.mjs";

const directory = process.env.SIGNET_SCREENSHOTS;
if (directory) mkdirSync(directory, { recursive: true });

/** The page, with what its reader does. */
class Docs {
  constructor(page) {
    this.page = page;
    this.foreign = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(SIGNET)) this.foreign.push(request.url());
    });
  }

  static async open({ context }) {
    const docs = new Docs(await context.newPage());
    await docs.page.goto(`${SIGNET}/docs`);
    await docs.page.getByRole("heading", { name: "Session", exact: true }).waitFor();
    return docs;
  }

  async login(name, password = PASSWORD) {
    await this.page.getByLabel("User name or address").fill(name);
    await this.page.locator("#password").fill(password);
    await this.page.keyboard.press("Enter");
  }

  async says(text) {
    await this.page.locator("#who").filter({ hasText: text }).waitFor();
  }

  /** Opens an operation with the keyboard. */
  async unfold(id) {
    await this.page.locator(`#${id} > summary`).press("Enter");
  }

  /** Sends an operation's form, and gives how it went and what came back. */
  async send(id, fields = {}, type) {
    const operation = this.page.locator(`#${id}`);
    for (const [name, value] of Object.entries(fields)) await operation.locator(`input[name="${name}"]`).fill(value);
    if (type) await operation.getByLabel("Sent as").selectOption(type);
    const answered = this.page.waitForResponse((response) => response.request().method() !== "OPTIONS");
    await operation.getByRole("button", { name: "Send" }).click();
    await answered;
    const state = operation.getByRole("status").locator("strong");
    await state.waitFor();
    return { state: await state.innerText(), texts: await operation.locator(".result pre").allInnerTexts() };
  }

  async inspect(name) {
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    assert.equal(wide, false, `${name} sticks out`);
    for (const control of await this.page.locator("input:visible, select:visible, button:visible").all()) {
      assert.match(await control.ariaSnapshot(), /"/, `${name}: a control without a name`);
    }
    if (directory) await this.page.screenshot({ path: join(directory, `${name}.png`), fullPage: true });
  }
}

for (const width of [390, 1000]) {
  for (const colorScheme of ["light", "dark"]) {
    describe(`the API's page, ${width} pixels, ${colorScheme}`, () => {
      const world = setUp({ mode: "body" });

      test("log in and try calls", async () => {
        const name = await world.enrol();
        const person = await world.newPerson({ viewport: { width, height: 800 }, colorScheme });
        const docs = await Docs.open(person);
        await docs.inspect(`docs-${width}-${colorScheme}`);
        await docs.login(name, "not the password");
        await docs.says("Unable to log in with provided credentials.");
        await docs.login(name);
        await docs.says(`${name}. The access token goes with every request below.`);

        await docs.unfold("getUser");
        const shown = await docs.send("getUser");
        assert.equal(shown.state, "200 OK");
        assert.match(shown.texts[0], new RegExp(`"username": "${name}"`));
        assert.match(shown.texts.at(-1), /^curl -X GET '.*\/auth\/user\/' \\\n  -H 'Authorization: Bearer eyJ/);

        await docs.unfold("updateUser");
        for (const type of ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]) {
          const first_name = `<b>A'nn & ${type.length}</b>`;
          const changed = await docs.send("updateUser", { first_name }, type);
          assert.equal(changed.state, "200 OK", type);
          assert.ok(changed.texts[0].includes(first_name), changed.texts[0]);
        }
        assert.equal(await docs.page.locator("#updateUser b").count(), 0, "an answer is text, never HTML");

        await docs.unfold("refreshToken");
        assert.equal((await docs.send("refreshToken")).state, "200 OK", "with the token that is known");
        await docs.unfold("endSession");
        assert.equal((await docs.send("endSession", { id: "none" })).state, "404 Not Found");
        await docs.inspect(`docs-tried-${width}-${colorScheme}`);
        await docs.page.getByRole("button", { name: "Log out" }).click();
        await docs.says("Nobody in particular.");
        assert.equal((await docs.send("getUser")).state, "401 Unauthorized");
        assert.deepEqual(docs.foreign, []);
        assert.deepEqual(person.complaints, []);
      });
    });
  }
}

describe("the API's page, with cookies", () => {
  const world = setUp({ mode: "cookie", settings: { SIGNET_COOKIES__CSRF_TOKEN: "always" } });

  test("the browser's cookies speak for who logged in", async () => {
    const person = await world.newPerson();
    const docs = await Docs.open(person);
    await docs.unfold("register");
    const fields = registration("ann");
    assert.equal((await docs.send("register", fields)).state, "201 Created");
    await docs.page.getByRole("button", { name: "Log out" }).click();
    await docs.says("Nobody in particular.");
    await docs.login(fields.username);
    await docs.says(`${fields.username}. Cookies go with every request below.`);
    await docs.unfold("updateUser");
    assert.equal((await docs.send("updateUser", { first_name: "Ann" })).state, "200 OK");
    await docs.unfold("refreshToken");
    assert.equal((await docs.send("refreshToken")).state, "200 OK");
    await docs.page.getByRole("button", { name: "Log out" }).click();
    await docs.says("Nobody in particular.");
    await docs.unfold("getUser");
    assert.equal((await docs.send("getUser")).state, "401 Unauthorized");
    assert.deepEqual(person.complaints, []);
  });
});

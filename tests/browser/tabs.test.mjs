// Many tabs of one browser share one session, and nothing logs it out but a logout.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { App } from "./support/app.mjs";
import { until } from "./support/until.mjs";
import { registration, setUp } from "./support/world.mjs";

const TABS = 10;
const ROUNDS = 60;

/** Refreshes again and again, whatever else goes on; an outage is waited out. */
async function refreshManyTimes(rounds) {
  let outages = 0;
  for (let round = 0; round < rounds; ) {
    try {
      await signet.refresh();
      await signet.user();
      round += 1;
    } catch (error) {
      // a plain request that could not be sent is the browser's own error
      if (error.isTransient === false) throw error;
      outages += 1;
      if (!navigator.onLine) await new Promise((resolve) => addEventListener("online", resolve, { once: true }));
    }
  }
  return outages;
}

for (const mode of ["body", "cookie"]) {
  describe(`tabs, tokens in the ${mode}`, () => {
    const world = setUp({ mode });

    test("ten tabs refresh at once, offline and back, and stay logged in", async (context) => {
      const { context: browser, complaints } = await world.newPerson();
      const tabs = [];
      for (let count = 0; count < TABS; count += 1) tabs.push(await world.bareTab(browser));
      await tabs[0].evaluate((fields) => signet.register(fields), registration("tabby"));
      const presented = [];
      browser.on("response", (response) => {
        const request = response.request();
        if (request.url().endsWith("/token/refresh/") && request.method() === "POST") presented.push(request.postData());
      });

      const running = tabs.map((tab) => tab.evaluate(refreshManyTimes, ROUNDS));
      for (const goal of [20, 60]) {
        await until(`${goal} refreshes`, () => presented.length >= goal);
        await browser.setOffline(true);
        await until("all tabs notice", async () => {
          const online = await Promise.all(tabs.map((tab) => tab.evaluate(() => navigator.onLine)));
          return !online.includes(true);
        });
        await browser.setOffline(false);
      }
      const outages = await Promise.all(running);

      for (const tab of tabs) {
        assert.equal(await tab.evaluate(() => signet.state), "authenticated");
        assert.equal(await tab.evaluate(async () => (await signet.user()).username), "tabby");
      }
      const sessions = await tabs[0].evaluate(() => signet.sessions());
      assert.equal(sessions.length, 1);
      // each tab had seen what the one before it had stored
      if (mode === "body") assert.equal(new Set(presented).size, presented.length);
      assert.deepEqual(complaints, []);
      assert.doesNotMatch(world.signet.log(), /reuse/i);
      const interrupted = outages.reduce((sum, count) => sum + count);
      context.diagnostic(`${presented.length} refreshes for ${TABS * ROUNDS} wishes, ${interrupted} interrupted`);
    });

    test("a reload keeps the session", async () => {
      const { app } = await world.loggedIn();
      await app.page.reload();
      await app.heading("Profile");
    });

    test("a logout in one tab is one in all, and a login too", async () => {
      const { app, context, name } = await world.loggedIn();
      const other = await App.open(context, world.site.origin);
      await other.heading("Profile");
      await app.logout();
      await other.says("You were logged out in another tab.");
      await other.login(name);
      await app.heading("Profile");
    });
  });
}

// Pages of other origins can neither read from Signet nor do anything there in their visitor's name.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { App, PASSWORD } from "./support/app.mjs";
import { SIGNET } from "./support/origin.mjs";
import { startHostile } from "./support/site.mjs";
import { setUp } from "./support/world.mjs";

/** What a hostile page would like to do; `mallory` is the account of who wrote it. */
const wishes = [
  ["POST", "login/", { username: "mallory", password: PASSWORD }],
  ["POST", "logout/", {}],
  ["POST", "logout/all/", {}],
  ["POST", "token/refresh/", {}],
  ["POST", "registration/", { username: "planted", password1: PASSWORD, password2: PASSWORD }],
  ["POST", "password/change/", { old_password: PASSWORD, new_password1: "hostile-horse", new_password2: "hostile-horse" }],
  ["POST", "email/change/", { email: "mallory@example.com", password: PASSWORD }],
  ["PATCH", "user/", { first_name: "Hostile" }],
  ["DELETE", "user/", { password: PASSWORD }],
];

/** In the page: tries one wish in every way that a script has; the answers stay opaque to it. */
async function attack([url, method, values]) {
  const options = { method, credentials: "include" };
  const json = JSON.stringify(values);
  const ways = [
    { ...options, headers: { "Content-Type": "application/json" }, body: json },
    { ...options, headers: { "Content-Type": "text/plain" }, body: json },
    { ...options, headers: { Authorization: "Bearer forged" }, body: json },
    { ...options, mode: "no-cors", body: new URLSearchParams(values) },
    { ...options, mode: "no-cors", body: json },
  ];
  const read = [];
  for (const way of ways) {
    const response = await fetch(url, way).catch(() => null);
    if (response && response.type !== "opaque") read.push(`${way.method} ${url}: ${response.status}`);
  }
  return read;
}

/** In the page: a form that sends itself, as a visitor's click on a link could. */
function submit([url, values]) {
  const form = Object.assign(document.createElement("form"), { method: "POST", action: url });
  for (const [name, value] of Object.entries(values)) {
    form.append(Object.assign(document.createElement("input"), { name, value }));
  }
  document.body.append(form);
  form.submit();
}

const sites = { "another site": "localhost", "another origin of the same site": "127.0.0.1" };

for (const [what, host] of Object.entries(sites)) {
  describe(`a page of ${what}`, () => {
    const world = setUp({ mode: "cookie" });
    let hostile, victim, page;
    const done = [];

    before(async () => {
      hostile = await startHostile(host);
      victim = await world.loggedIn();
      page = await victim.context.newPage();
      await page.goto(hostile.origin);
      page.on("response", (response) => {
        const request = response.request();
        const isAction = !["GET", "OPTIONS"].includes(request.method());
        if (isAction && response.status() < 400) done.push(`${request.method()} ${request.url()}`);
      });
    });
    after(() => hostile?.stop());

    test("reads nothing", async () => {
      for (const path of ["/auth/user/", "/auth/sessions/", "/auth/csrf/", "/.well-known/jwks.json"]) {
        for (const credentials of ["include", "omit"]) {
          const ask = ([url, credentials]) => fetch(url, { credentials }).then(() => "read", () => "refused");
          assert.equal(await page.evaluate(ask, [SIGNET + path, credentials]), "refused", path);
        }
      }
    });

    test("does nothing by script", async () => {
      for (const [method, path, values] of wishes) {
        const read = await page.evaluate(attack, [`${SIGNET}/auth/${path}`, method, values]);
        assert.deepEqual(read, []);
      }
      assert.deepEqual(done, []);
    });

    test("does nothing by form", async () => {
      for (const [method, path, values] of wishes) {
        if (method !== "POST") continue;
        const url = `${SIGNET}/auth/${path}`;
        const answered = page.waitForResponse(url);
        await page.evaluate(submit, [url, values]);
        assert.equal((await answered).status(), 403, path);
        await page.waitForURL(url);
        await page.goto(hostile.origin);
      }
      assert.deepEqual(done, []);
    });

    test("and its visitor is who they were", async () => {
      const { app, name, context } = victim;
      await app.page.reload();
      await app.heading("Profile");
      assert.equal(await app.page.getByLabel("User name").inputValue(), name);
      assert.equal(await app.page.getByLabel("First name").inputValue(), "");
      await app.says(`${name}@example.com`);
      const tab = await world.bareTab(context);
      await tab.evaluate(() => signet.refresh());
      assert.equal((await tab.evaluate(() => signet.user())).username, name);
      await app.logout();
      await app.login(name);
    });
  });
}

describe("a page of no origin at all", () => {
  const world = setUp({ mode: "cookie" });

  test("reads nothing", async () => {
    const { context } = await world.loggedIn();
    const page = await context.newPage();
    await page.goto("data:text/html,<title>null</title>");
    const ask = (url) => fetch(url, { credentials: "include" }).then(() => "read", () => "refused");
    assert.equal(await page.evaluate("origin"), "null");
    assert.equal(await page.evaluate(ask, `${SIGNET}/auth/user/`), "refused");
  });
});

describe("the app's own origin", () => {
  const world = setUp({ mode: "cookie" });

  test("reads, and nothing that scripts can read holds a token", async () => {
    const { app, context, name } = await world.loggedIn();
    const read = (url) => fetch(url, { credentials: "include" }).then((response) => response.json());
    assert.equal((await app.page.evaluate(read, `${SIGNET}/auth/user/`)).username, name);
    const stored = () => JSON.stringify({ ...localStorage, ...sessionStorage });
    assert.equal(await app.page.evaluate("document.cookie"), "");
    assert.doesNotMatch(await app.page.evaluate(stored), /eyJ/);
    const tab = await world.bareTab(context);
    const login = (fields) => signet.login(fields);
    const answer = await tab.evaluate(login, { username: name, password: PASSWORD });
    assert.deepEqual([answer.access, answer.refresh], ["", ""]);
  });

  test("the cookies are the browser's to keep and to send, and nobody else's", async () => {
    const { context } = await world.loggedIn();
    const cookies = await context.cookies(SIGNET);
    assert.deepEqual(cookies.map(({ name }) => name).sort(), ["__Host-signet-access", "__Host-signet-refresh"]);
    for (const { httpOnly, secure, sameSite, path, domain } of cookies) {
      const expected = { httpOnly: true, secure: true, sameSite: "Lax", path: "/", domain: "127.0.0.1" };
      assert.deepEqual({ httpOnly, secure, sameSite, path, domain }, expected);
    }
  });

  test("a logout takes the cookies away", async () => {
    const { app, context } = await world.loggedIn();
    await app.logout();
    assert.deepEqual(await context.cookies(SIGNET), []);
  });
});

describe("the double-submitted token", () => {
  const settings = { SIGNET_COOKIES__CSRF_TOKEN: "always" };
  const world = setUp({ mode: "cookie", csrf: true, settings });

  test("the client fetches and sends it by itself", async () => {
    const { context } = await world.newPerson();
    const app = await App.open(context, world.site.origin);
    await app.register("tom");
    await app.follow("Go on");
    await app.heading("Profile");
    await app.logout();
    await app.login("tom");
    await context.clearCookies({ name: "csrftoken" });
    await app.press("Save", app.card("Names"));
    await app.says("Saved.");
  });
});

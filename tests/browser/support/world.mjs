// All that a test file needs: Signet in one mode, the app set to it, and a browser.

import { after, before } from "node:test";

import { App, PASSWORD } from "./app.mjs";
import { newPerson, startBrowser } from "./browser.mjs";
import { SIGNET } from "./origin.mjs";
import { startSignet } from "./signet.mjs";
import { startApp } from "./site.mjs";

/** To be called in a `describe`; the parts are there when its tests run. */
export function setUp({ mode, csrf = false, settings }) {
  const world = { mode, people: 0 };

  before(async () => {
    world.site = await startApp({ mode, csrf });
    world.signet = await startSignet({ mode, app: world.site.origin, settings });
    world.browser = await startBrowser();
  });

  after(async () => {
    await world.browser?.close();
    await world.signet?.stop();
    await world.site?.stop();
  });

  world.newPerson = (options) => newPerson(world.browser, options);

  /** Somebody new, without going through the pages. */
  world.enrol = async () => {
    const name = `person${(world.people += 1)}`;
    const response = await fetch(`${SIGNET}/auth/registration/`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Origin: world.site.origin },
      body: JSON.stringify(registration(name)),
    });
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
    return name;
  };

  /** Somebody new in a browser of their own, logged in, with the app open. */
  world.loggedIn = async (options) => {
    const name = await world.enrol();
    const person = await world.newPerson(options);
    const app = await App.open(person.context, world.site.origin, "/login");
    await app.login(name);
    return { name, app, ...person };
  };

  /** A page with nothing but the client. */
  world.bareTab = async (context) => {
    const page = await context.newPage();
    await page.goto(`${world.site.origin}/bare.html`);
    await page.waitForFunction("window.signet");
    return page;
  };

  return world;
}

export const registration = (name) => ({
  username: name,
  email: `${name}@example.com`,
  password1: PASSWORD,
  password2: PASSWORD,
});

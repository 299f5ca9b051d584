import assert from "node:assert/strict";
import { test } from "node:test";

import { World, json, problem } from "./world.js";

const ISSUE = "GET /auth/csrf/";

/** A Signet that wants the token that it gave out last. */
function guarded(world) {
  const signet = { token: 0 };
  const refusal = () => problem(403, "csrf_failed", { detail: "CSRF Failed: CSRF token missing." });
  const check = ({ headers }) =>
    headers.get("X-CSRFToken") === `token${signet.token}` ? json({ access: "", refresh: "" }) : refusal();
  world.on(ISSUE, () => json({ csrfToken: `token${signet.token}` }));
  world.on("POST /auth/login/", check);
  world.on("GET /auth/user/", ({ headers }) => json({ token: headers.get("X-CSRFToken") }));
  return signet;
}

const options = { mode: "cookie", csrf: true };
const login = (client) => client.login({ username: "ann", password: "x" });

test("the token is fetched once, and sent with unsafe methods only", async () => {
  const world = new World();
  guarded(world);
  const { client } = world.tab(options);
  await Promise.all([login(client), login(client)]);
  assert.equal(world.count(ISSUE), 1);
  assert.deepEqual(await client.user(), { token: null });
});

test("a refused token is fetched anew, once", async () => {
  const world = new World();
  const signet = guarded(world);
  const { client } = world.tab(options);
  await login(client);
  signet.token = 1;
  await login(client);
  assert.equal(world.count(ISSUE), 2);
  world.on(ISSUE, () => json({ csrfToken: "never right" }));
  signet.token = 2;
  await assert.rejects(login(client), { status: 403, code: "csrf_failed" });
  assert.equal(world.count(ISSUE), 3);
});

test("a token that could not be fetched is fetched the next time", async () => {
  const world = new World();
  guarded(world);
  const { client } = world.tab(options);
  world.online = false;
  await assert.rejects(login(client), { code: "unreachable" });
  world.online = true;
  await login(client);
});

test("another 403 is no matter of the token", async () => {
  const world = new World();
  guarded(world);
  world.on("POST /auth/login/", () => problem(403, "forbidden", { detail: "Not allowed" }));
  const { client } = world.tab(options);
  await assert.rejects(login(client), { status: 403, code: "forbidden" });
  assert.equal(world.count(ISSUE), 1);
});

test("without the option, or with tokens in the body, there is none", async () => {
  for (const other of [{ mode: "cookie" }, { mode: "body", csrf: true }]) {
    const world = new World();
    guarded(world);
    const { client } = world.tab(other);
    await assert.rejects(login(client), { status: 403 });
    assert.equal(world.count(ISSUE), 0);
  }
});

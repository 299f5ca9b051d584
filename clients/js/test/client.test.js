import assert from "node:assert/strict";
import { test } from "node:test";

import { createClient } from "../src/index.js";
import { BASE, World, json, problem, withSession } from "./world.js";

const CREDENTIALS = { username: "ann", password: "correct-horse-battery" };
const api = "https://api.example.com/things";

test("an error says what, where and how long", async () => {
  const world = new World();
  world.on("POST /auth/registration/", () =>
    problem(400, "validation_error", {
      username: ["A user with that username already exists."],
      non_field_errors: ["The two password fields didn't match."],
    }),
  );
  world.on("POST /auth/login/", () => {
    const detail = "Request was throttled. Expected available in 7 seconds.";
    return problem(429, "throttled", { detail }, { "Retry-After": "7" });
  });
  world.on("POST /auth/password/reset/", () => new Response("<h1>Bad Gateway</h1>", { status: 502 }));
  const { client } = world.tab();
  await assert.rejects(client.register({ password1: "a", password2: "b" }), {
    name: "SignetError",
    status: 400,
    code: "validation_error",
    message: "A user with that username already exists.",
    fields: {
      username: ["A user with that username already exists."],
      non_field_errors: ["The two password fields didn't match."],
    },
  });
  await assert.rejects(client.login(CREDENTIALS), { status: 429, code: "throttled", retryAfter: 7 });
  await assert.rejects(client.requestReset("ann@example.com"), { status: 502, code: "unknown" });
});

test("body mode: a bearer token, and no cookies", async () => {
  const world = new World();
  withSession(world);
  const { client } = world.tab();
  await client.login(CREDENTIALS);
  await client.user();
  const { headers, credentials } = world.requests.at(-1);
  assert.equal(headers.get("Authorization"), "Bearer a0");
  assert.equal(credentials, "omit");
  assert.doesNotMatch(JSON.stringify(world.stored()), /a0/);
});

test("cookie mode: cookies, and no tokens", async () => {
  const world = new World();
  withSession(world);
  world.on("POST /auth/login/", () => json({ access: "", refresh: "", user: { pk: "1" } }));
  const { client } = world.tab({ mode: "cookie" });
  await client.login(CREDENTIALS);
  await client.user();
  const { headers, credentials } = world.requests.at(-1);
  assert.equal(headers.get("Authorization"), null);
  assert.equal(credentials, "include");
  assert.deepEqual(Object.keys(world.stored()), ["session", "turn", "expires"]);
});

test("cookie mode: cookies without a record are found by a refresh", async () => {
  const world = new World();
  const signet = withSession(world);
  const { client } = world.tab({ mode: "cookie" });
  await client.refresh();
  assert.equal(client.state, "authenticated");
  signet.isOver = true;
  world.store(null);
  await assert.rejects(client.refresh(), { status: 401 });
  assert.equal(client.state, "anonymous");
});

test("a registration that must be confirmed first opens no session", async () => {
  const world = new World();
  world.on("POST /auth/registration/", () => json({ detail: "Verification e-mail sent." }));
  const { client } = world.tab();
  await client.register({ ...CREDENTIALS, password1: "x", password2: "x" });
  assert.equal(client.state, "anonymous");
});

test("only trusted origins see the credential", async () => {
  const world = new World();
  withSession(world);
  world.on("GET /things", ({ headers }) => json({ as: headers.get("Authorization") }));
  for (const [origins, as] of [[[], null], [["https://api.example.com"], "Bearer a0"]]) {
    const { client } = world.tab({ origins });
    await client.login(CREDENTIALS);
    assert.deepEqual(await (await client.fetch(api)).json(), { as });
  }
});

test("body mode: a logout that Signet does not hear of still forgets the tokens", async () => {
  const world = new World();
  withSession(world);
  const { client } = world.tab();
  await client.login(CREDENTIALS);
  world.online = false;
  await assert.rejects(client.logout(), { code: "unreachable" });
  assert.equal(client.state, "anonymous");
  assert.equal(world.stored(), null);
});

test("cookie mode: a logout that Signet does not hear of is none", async () => {
  const world = new World();
  withSession(world);
  const { client } = world.tab({ mode: "cookie" });
  await client.login(CREDENTIALS);
  world.online = false;
  await assert.rejects(client.logout(), { code: "unreachable" });
  assert.equal(client.state, "authenticated");
});

test("a logout of a session that is over is a success", async () => {
  const world = new World();
  withSession(world);
  world.on("POST /auth/logout/", () => problem(401, "unauthenticated", { detail: "Token is expired" }));
  const { client } = world.tab();
  await client.login(CREDENTIALS);
  await client.logout();
  assert.equal(client.state, "anonymous");
});

test("a fresh proof replaces the access token, not the refresh token", async () => {
  const world = new World();
  withSession(world);
  world.on("POST /auth/reauthenticate/", () => json({ access: "fresh", access_expiration: "" }));
  world.on("GET /auth/sessions/", ({ headers }) => json([headers.get("Authorization")]));
  const { client } = world.tab();
  await client.login(CREDENTIALS);
  await client.reauthenticate(CREDENTIALS.password);
  assert.deepEqual(await client.sessions(), ["Bearer fresh"]);
  assert.equal(world.stored().refresh, "r0");
});

test("a mode must be chosen", () => {
  assert.throws(() => createClient({ baseUrl: BASE }), /mode/);
});

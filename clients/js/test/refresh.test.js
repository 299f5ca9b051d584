import assert from "node:assert/strict";
import { test } from "node:test";

import { World, json, problem, withSession } from "./world.js";

const REFRESH = "POST /auth/token/refresh/";
const CREDENTIALS = { username: "ann", password: "correct-horse-battery" };

async function loggedIn(options) {
  const world = new World();
  const signet = withSession(world);
  const tab = world.tab(options);
  await tab.client.login(CREDENTIALS);
  return { world, signet, tab, client: tab.client };
}

test("many requests of one tab share one refresh", async () => {
  const { world, signet, client } = await loggedIn();
  signet.generation = 0;
  await Promise.all([client.refresh(), client.refresh(), client.user(), client.user()]);
  assert.equal(world.count(REFRESH), 1);
  assert.equal(world.stored().refresh, "r1");
});

test("a token is replaced some seconds before it expires, and not earlier", async () => {
  const { world, client } = await loggedIn();
  await client.refresh();
  await world.pass(600_000 - 11_000);
  await client.user();
  assert.equal(world.count(REFRESH), 1);
  await world.pass(2_000);
  await client.user();
  assert.equal(world.count(REFRESH), 2);
});

test("a 401 leads to one refresh and one more try", async () => {
  const { world, signet, client } = await loggedIn();
  signet.generation = 1; // the access token that the tab has is no longer the one
  world.store({ ...world.stored(), refresh: "r1" });
  assert.equal((await client.user()).username, "ann");
  assert.equal(world.count(REFRESH), 1);
  assert.equal(world.count("GET /auth/user/"), 2);
});

test("a 401 that a refresh does not cure is the answer", async () => {
  const { world, signet, client } = await loggedIn();
  signet.isExpired = true;
  await assert.rejects(client.user(), { status: 401 });
  assert.equal(world.count("GET /auth/user/"), 2);
  assert.equal(client.state, "authenticated");
});

test("the body goes along with the second try", async () => {
  const { world, client } = await loggedIn();
  let tries = 0;
  world.on("PATCH /auth/user/", ({ body }) => {
    tries += 1;
    return tries === 1 ? problem(401, "token_not_valid") : json(body);
  });
  assert.deepEqual(await client.updateUser({ first_name: "Ann" }), { first_name: "Ann" });
});

test("a 401 from the refresh ends the session, once", async () => {
  const ends = [];
  const { signet, client } = await loggedIn({ onSessionEnd: (reason) => ends.push(reason) });
  signet.isOver = true;
  await assert.rejects(client.refresh(), { status: 401, code: "token_not_valid" });
  await assert.rejects(client.refresh(), { status: 401, code: "not_authenticated" });
  assert.equal(client.state, "anonymous");
  assert.deepEqual(ends, ["expired"]);
});

test("an answer that comes after a logout does not bring the session back", async () => {
  const { world, client } = await loggedIn();
  world.on("POST /auth/logout/", () => json({ detail: "Successfully logged out." }));
  let answer;
  world.on(REFRESH, () => new Promise((resolve) => (answer = resolve)));
  const refreshed = client.refresh();
  await world.settle();
  await client.logout();
  answer(json({ access: "a1", refresh: "r1", access_expiration: "2026-01-01T00:10:00Z" }));
  await assert.rejects(refreshed, { code: "not_authenticated" });
  assert.equal(world.stored(), null);
});

test("a clock that runs ahead does not make every request refresh", async () => {
  const world = new World();
  withSession(world, { lifetime: -3_600_000 });
  const { client } = world.tab();
  await client.login(CREDENTIALS);
  await client.refresh();
  await client.user();
  await client.user();
  assert.equal(world.count(REFRESH), 1);
});

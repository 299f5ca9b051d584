import assert from "node:assert/strict";
import { test } from "node:test";

import { memoryStore } from "../src/index.js";
import { World, json, problem, withSession } from "./world.js";

const REFRESH = "POST /auth/token/refresh/";
const CREDENTIALS = { username: "ann", password: "correct-horse-battery" };

async function tabs(count, options) {
  const world = new World();
  const signet = withSession(world);
  const all = Array.from({ length: count }, () => world.tab(options));
  await all[0].client.login(CREDENTIALS);
  return { world, signet, all, clients: all.map(({ client }) => client) };
}

for (const mode of ["body", "cookie"]) {
  test(`${mode}: tabs that refresh at once cause one refresh`, async () => {
    const { world, clients } = await tabs(10, { mode });
    await Promise.all(clients.map((client) => client.refresh()));
    assert.equal(world.count(REFRESH), 1);
    for (const client of clients) assert.equal((await client.user()).username, "ann");
    assert.equal(world.count(REFRESH), 1);
  });
}

test("a tab that did not hear the new access token refreshes with the newest token", async () => {
  const { world, signet, all, clients } = await tabs(3);
  all[2].hears = false;
  await Promise.all(clients.map((client) => client.refresh()));
  const tokens = world.requests.filter(({ path }) => path.endsWith("refresh/"));
  assert.deepEqual(tokens.map(({ body }) => body.refresh), ["r0", "r1"]);
  assert.equal(signet.isOver, false);
});

test("a tab whose record lags behind waits for the one that was noted", async () => {
  const { world, clients } = await tabs(1);
  const record = world.stored();
  world.notes.push(`signet:${record.session}:4`, "signet:another session:9");
  const refreshed = clients[0].refresh();
  await world.settle();
  assert.equal(world.count(REFRESH), 0);
  world.on(REFRESH, ({ body }) => json({ access: "a5", refresh: `after ${body.refresh}` }));
  world.storeAndTell({ ...record, turn: 4, refresh: "r4" });
  await refreshed;
  assert.equal(world.stored().refresh, "after r4");
  assert.equal(world.notes.at(-1), `signet:${record.session}:5`);
});

test("a record that was noted and never comes holds nobody up for long", async () => {
  const { world, clients } = await tabs(1);
  world.notes.push(`signet:${world.stored().session}:4`);
  const refreshed = clients[0].refresh();
  await world.settle();
  await world.pass(1_000);
  await refreshed;
  assert.equal(world.count(REFRESH), 1);
});

test("a new tab gets an access token of its own", async () => {
  const { world, clients } = await tabs(1);
  const { client } = world.tab();
  assert.equal(client.state, "authenticated");
  assert.equal((await client.user()).username, "ann");
  assert.equal(clients[0].state, "authenticated");
});

test("a refusal of a token that is no longer the newest is no end", async () => {
  const { world, signet, clients } = await tabs(1);
  const answers = [];
  const answer = (request) => {
    answers.push(request.body.refresh);
    if (request.body.refresh !== "r0") {
      return json({ access: "a6", refresh: "r6", access_expiration: "2026-01-01T00:10:00Z" });
    }
    // a tab without locks stored its successor while ours was on the way
    world.store({ ...world.stored(), turn: 5, refresh: "r5" });
    return problem(401, "token_not_valid");
  };
  world.on(REFRESH, answer);
  signet.generation = 6;
  await clients[0].refresh();
  assert.deepEqual(answers, ["r0", "r5"]);
  assert.equal((await clients[0].user()).username, "ann");
});

test("a logout in one tab is seen by the others", async () => {
  const world = new World();
  withSession(world);
  world.on("POST /auth/logout/", () => json({ detail: "Successfully logged out." }));
  const ends = [];
  const states = [];
  const here = world.tab();
  const there = world.tab({ onSessionEnd: (reason) => ends.push(reason) });
  there.client.subscribe((state) => states.push(state));
  await here.client.login(CREDENTIALS);
  await here.client.logout();
  assert.deepEqual(states, ["authenticated", "anonymous"]);
  assert.deepEqual(ends, ["elsewhere"]);
});

test("a tab does not go on as somebody who logged out in another one", async () => {
  const { world, clients } = await tabs(2);
  await clients[0].refresh();
  world.on("POST /auth/login/", () => json({ access: "b0", refresh: "q0", user: { pk: "2" } }));
  let told = 0;
  clients[0].subscribe(() => (told += 1));
  await clients[1].login({ username: "bob", password: "correct-horse-battery" });
  assert.equal(told, 1);
  world.on("GET /auth/user/", ({ headers }) => json({ as: headers.get("Authorization") }));
  assert.deepEqual(await clients[0].user(), { as: "Bearer b0" });
});

test("a page from the back/forward cache looks what it has missed", async () => {
  const { world, all } = await tabs(1);
  const states = [];
  all[0].client.subscribe((state) => states.push(state));
  world.store(null);
  world.fire(all[0], "pageshow");
  assert.deepEqual(states, ["anonymous"]);
});

test("sessions in memory are each tab's own", async () => {
  const world = new World();
  withSession(world);
  const one = world.tab({ store: memoryStore() });
  const other = world.tab({ store: memoryStore() });
  await one.client.login(CREDENTIALS);
  assert.equal(one.client.state, "authenticated");
  assert.equal(other.client.state, "anonymous");
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { World, problem, withSession } from "./world.js";

const REFRESH = "POST /auth/token/refresh/";

async function loggedIn(options) {
  const world = new World();
  const signet = withSession(world);
  const tab = world.tab(options);
  await tab.client.login({ username: "ann", password: "correct-horse-battery" });
  return { world, signet, tab, client: tab.client };
}

/** Lets Signet answer every refresh so, until what is returned is called. */
function breakRefresh(world, answer) {
  world.on(REFRESH, answer);
  return () => withSession(world);
}

test("offline is no logout: it is tried again, later and later", async () => {
  const { world, client } = await loggedIn();
  world.online = false;
  await assert.rejects(client.refresh(), { status: 0, code: "unreachable", isTransient: true });
  assert.equal(client.state, "authenticated");
  assert.deepEqual(world.waits, [1_000]);
  await world.pass(1_000);
  assert.deepEqual(world.waits, [2_000]);
  await world.pass(2_000);
  assert.deepEqual(world.waits, [4_000]);
  world.online = true;
  await world.pass(4_000);
  assert.equal(world.stored().refresh, "r1");
  assert.deepEqual(world.waits, []);
});

test("back online, it is tried at once", async () => {
  const { world, tab, client } = await loggedIn();
  world.online = false;
  await assert.rejects(client.refresh());
  world.online = true;
  world.fire(tab, "online");
  await world.settle();
  assert.equal(world.stored().refresh, "r1");
  assert.deepEqual(world.waits, []);
  world.fire(tab, "online");
  await world.settle();
  assert.equal(world.count(REFRESH), 1);
});

for (const status of [429, 500, 502, 503]) {
  test(`${status} is no logout`, async () => {
    const { world, client } = await loggedIn();
    breakRefresh(world, () => problem(status, "some_code"));
    await assert.rejects(client.refresh(), { status });
    assert.equal(client.state, "authenticated");
    assert.equal(world.waits.length, 1);
  });
}

test("Retry-After is respected, also by callers, and its remainder told", async () => {
  const { world, tab, client } = await loggedIn();
  const repair = breakRefresh(world, () => problem(429, "throttled", {}, { "Retry-After": "30" }));
  await assert.rejects(client.refresh(), { status: 429, retryAfter: 30 });
  await world.pass(10_000);
  await assert.rejects(client.refresh(), { status: 429, retryAfter: 20 });
  world.fire(tab, "online");
  await world.settle();
  assert.equal(world.count(REFRESH), 1);
  assert.deepEqual(world.waits, [21_000]);
  repair();
  await world.pass(21_000);
  assert.equal(world.count(REFRESH), 2);
  assert.equal(world.stored().refresh, "r1");
});

test("while the old token holds, an outage of the refresh is not seen", async () => {
  const { world, client, signet } = await loggedIn();
  await client.refresh();
  breakRefresh(world, () => problem(503, "unavailable"));
  await world.pass(595_000);
  assert.equal((await client.user()).username, "ann");
  await world.pass(6_000);
  await assert.rejects(client.user(), { status: 503 });
  assert.equal(client.state, "authenticated");
  assert.equal(signet.isOver, false);
});

test("a request that hangs gives up its turn", async () => {
  const { world, client } = await loggedIn();
  const hang = (_, signal) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const repair = breakRefresh(world, hang);
  const other = world.tab();
  const first = assert.rejects(client.refresh(), { code: "unreachable" });
  await world.settle();
  const second = other.client.refresh();
  repair();
  await world.pass(15_000);
  await first;
  await second;
  assert.equal(world.stored().refresh, "r1");
});

test("a mistake in the request is neither a logout nor worth a repetition", async () => {
  const { world, client } = await loggedIn();
  breakRefresh(world, () => problem(404, "not_found", { detail: "Not found." }));
  await assert.rejects(client.refresh(), { status: 404 });
  assert.equal(client.state, "authenticated");
  assert.deepEqual(world.waits, []);
});

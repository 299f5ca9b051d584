// A browser in which nothing is left to chance: tabs with one storage, one lock, one channel, one
// clock that moves when told to, and a Signet that answers as the test says.

import { createClient } from "../src/index.js";

export const BASE = "https://login.example.com";
const START = Date.parse("2026-01-01T00:00:00Z");

export class World {
  time = START;
  online = true;
  /** Requests as they arrived: `{ method, path, headers, body, credentials }`. */
  requests = [];
  /** What tabs have left with the locks. */
  notes = [];
  #answers = new Map();
  #tabs = [];
  #values = new Map();
  #locks = new Map();
  #timers = [];
  #ids = 0;

  /** @param {(request: object) => Response | Promise<Response>} answer */
  on(route, answer) {
    this.#answers.set(route, answer);
    return this;
  }

  count(route) {
    return this.requests.filter(({ method, path }) => `${method} ${path}` === route).length;
  }

  /** A tab with the client in it. */
  tab(options = {}) {
    const tab = { listeners: {}, channels: [], hears: true };
    this.#tabs.push(tab);
    const store = this.#store(tab);
    tab.client = createClient({ baseUrl: BASE, mode: "body", store, ...options }, this.#platform(tab));
    return tab;
  }

  fire(tab, event) {
    for (const listener of tab.listeners[event] ?? []) listener();
  }

  stored() {
    return JSON.parse(this.#values.get("signet") ?? "null");
  }

  /** As if a tab of none of ours had written it, which they see when they look. */
  store(record) {
    this.#values.set("signet", JSON.stringify(record));
  }

  /** As `store`, and all tabs are told. */
  storeAndTell(record) {
    this.store(record);
    for (const tab of this.#tabs) tab.changed?.();
  }

  /** Moves the clock, and lets everything happen that was due. */
  async pass(milliseconds) {
    this.time += milliseconds;
    const due = this.#timers.filter(({ at }) => at <= this.time);
    this.#timers = this.#timers.filter(({ at }) => at > this.time);
    for (const { action } of due) action();
    await this.settle();
  }

  /** Until nothing is under way any more but timers. */
  async settle() {
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  }

  get waits() {
    return this.#timers.map(({ at }) => at - this.time);
  }

  #store(tab) {
    const changed = () => {
      for (const other of this.#tabs) if (other !== tab) other.changed?.();
    };
    return {
      name: "signet",
      get: () => this.#values.get("signet") ?? null,
      set: (value) => {
        this.#values.set("signet", value);
        changed();
      },
      remove: () => {
        this.#values.delete("signet");
        changed();
      },
      subscribe: (listener) => {
        tab.changed = listener;
      },
    };
  }

  #platform(tab) {
    return {
      fetch: (request) => this.#answer(request),
      now: () => this.time,
      random: () => 1,
      id: () => `id${(this.#ids += 1)}`,
      after: (milliseconds, action) => {
        const timer = { at: this.time + milliseconds, action };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((other) => other !== timer);
        };
      },
      on: (event, listener) => {
        (tab.listeners[event] ??= []).push(listener);
      },
      exclusively: (name, action) => {
        const turn = (this.#locks.get(name) ?? Promise.resolve()).then(action);
        this.#locks.set(name, turn.catch(() => {}));
        return turn;
      },
      leaveNote: async (note) => void this.notes.push(note),
      notes: async (prefix) => {
        const notes = this.notes.filter((note) => note.startsWith(prefix));
        return notes.map((note) => note.slice(prefix.length));
      },
      openChannel: () => this.#channel(tab),
    };
  }

  #channel(tab) {
    const channel = {
      onmessage: null,
      postMessage: (data) => {
        for (const other of this.#tabs) {
          if (other === tab || !other.hears) continue;
          for (const heard of other.channels) heard.onmessage?.({ data: structuredClone(data) });
        }
      },
    };
    tab.channels.push(channel);
    return channel;
  }

  async #answer(request) {
    if (!this.online) throw new TypeError("Failed to fetch");
    const { method, headers, credentials } = request;
    const path = new URL(request.url).pathname;
    const text = await request.text();
    const seen = { method, path, headers, credentials, body: text ? JSON.parse(text) : null };
    this.requests.push(seen);
    const answer = this.#answers.get(`${method} ${path}`);
    if (!answer) throw new Error(`no answer for ${method} ${path}`);
    return answer(seen, request.signal);
  }
}

export const json = (body, init = {}) => Response.json(body, init);

export function problem(status, code, members = {}, headers = {}) {
  const body = { type: `urn:signet:error:${code}`, title: "Title", status, ...members };
  return json(body, { status, headers });
}

/** A Signet with one session: refresh tokens `r0`, `r1`, …, access tokens `a0`, `a1`, …. */
export function withSession(world, { lifetime = 600_000 } = {}) {
  const signet = { generation: 0, isOver: false };
  const expiration = () => new Date(world.time + lifetime).toISOString();
  const user = { pk: "1", username: "ann" };
  world.on("POST /auth/login/", () => json({ access: "a0", refresh: "r0", user }));
  world.on("POST /auth/token/refresh/", ({ body, credentials }) => {
    const isCookie = credentials === "include";
    const live = signet.generation;
    const isLive = isCookie || body.refresh === `r${live}` || body.refresh === `r${live - 1}`;
    if (signet.isOver || !isLive) {
      signet.isOver = true;
      return problem(401, "token_not_valid", { detail: "Token is blacklisted" });
    }
    if (isCookie || body.refresh === `r${live}`) signet.generation += 1;
    const token = (kind) => (isCookie ? "" : `${kind}${signet.generation}`);
    return json({ access: token("a"), access_expiration: expiration(), refresh: token("r") });
  });
  world.on("GET /auth/user/", ({ headers, credentials }) => {
    const bearer = headers.get("Authorization");
    const isKnown = credentials === "include" || bearer === `Bearer a${signet.generation}`;
    return isKnown && !signet.isExpired ? json(user) : problem(401, "not_authenticated");
  });
  return signet;
}

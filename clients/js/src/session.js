// The session, as the tabs share it (a record in the store) and as this tab alone knows it (the
// access token of body mode, which is never stored).
//
// The record names the session (`session`, new at each login) and counts its rotations (`turn`).
// An access token in memory counts only while the record is still of the turn that it came with:
// so a tab never goes on as somebody who meanwhile logged out in another one.

import { noSession } from "./error.js";

/** A token is replaced this long before it expires, for requests that take their time. */
const AHEAD = 10_000;

/** @typedef {{ session: string, turn: number, refresh?: string, expires?: number | null }} Shared */

/** Whether two records, or none, are of the same rotation of the same session. */
export const isSame = (one, other) => one?.session === other?.session && one?.turn === other?.turn;

export class Session {
  #mode;
  #store;
  #platform;
  #channel = null;
  #onEnd;
  #listeners = new Set();
  #watchers = new Set();
  /** @type {{ session: string, turn: number, access: string, expires: number | null } | null} */
  #own = null;
  /** The session that listeners were last told of. */
  #told;

  constructor({ mode, store, platform, onSessionEnd = () => {} }) {
    this.#mode = mode;
    this.#store = store;
    this.#platform = platform;
    this.#onEnd = onSessionEnd;
    this.#told = this.record?.session ?? null;
    if (mode === "body") this.#listen();
    const look = () => this.#tell("elsewhere");
    store.subscribe?.(look);
    // a page that comes back from the back/forward cache has missed what happened
    platform.on("pageshow", look);
  }

  /** What the tabs share; null without a session. @returns {Shared | null} */
  get record() {
    try {
      const record = JSON.parse(this.#store.get() ?? "null");
      return typeof record?.turn === "number" ? record : null;
    } catch {
      return null;
    }
  }

  get state() {
    return this.record ? "authenticated" : "anonymous";
  }

  get isCookie() {
    return this.#mode === "cookie";
  }

  /** What the tabs that share the record have in common; undefined if it is this tab's own. */
  get sharedName() {
    return this.#store.name;
  }

  /** The access token of body mode, if this tab has the one of the newest rotation. */
  get access() {
    const own = this.#own;
    return own && isSame(own, this.record) ? own.access : null;
  }

  /** Whether a request can be sent now without a refresh before it. */
  get isFresh() {
    return this.#isGoodFor(AHEAD);
  }

  /** Whether a request sent now would still be answered. */
  get isUsable() {
    return this.#isGoodFor(0);
  }

  /** A login, or whatever else brought a new session. */
  open(answer) {
    this.#write(answer, { session: this.#platform.id(), turn: 0 });
    this.#tell("login");
  }

  /**
   * A refresh's answer; `false` if the record is no longer the one that was refreshed, since
   * somebody logged out or in meanwhile: then the answer is nobody's.
   * @param {Shared | null} refreshed
   */
  renew(answer, refreshed) {
    if (!isSame(this.record, refreshed)) return false;
    if (!refreshed) {
      this.open(answer);
      return true;
    }
    this.#write(answer, { session: refreshed.session, turn: refreshed.turn + 1 });
    return true;
  }

  /** A new access token for the session as it is; the refresh token stays. */
  replaceAccess({ access, access_expiration }) {
    const record = this.record;
    if (!record) throw noSession();
    const { session, turn } = record;
    const expires = this.#expiry(access_expiration);
    if (this.isCookie) this.#store.set(JSON.stringify({ session, turn, expires }));
    else this.#own = { session, turn, access, expires };
  }

  /** @param {"logout" | "expired"} reason */
  close(reason) {
    this.#own = null;
    this.#store.remove();
    this.#tell(reason);
  }

  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves once `isTrue`, asked whenever another tab changes the record, or after `patience`. */
  when(isTrue, patience) {
    if (isTrue()) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#watchers.delete(look);
        callOff();
        resolve();
      };
      const look = () => isTrue() && done();
      const callOff = this.#platform.after(patience, done);
      this.#watchers.add(look);
    });
  }

  #isGoodFor(milliseconds) {
    const record = this.record;
    const tokens = this.isCookie ? record : this.#own;
    if (!record || !isSame(tokens, record)) return false;
    const expires = tokens.expires ?? null;
    return expires === null || expires - milliseconds > this.#platform.now();
  }

  #write({ access, access_expiration, refresh }, { session, turn }) {
    const expires = this.#expiry(access_expiration);
    if (this.isCookie) {
      this.#store.set(JSON.stringify({ session, turn, expires }));
      return;
    }
    this.#own = { session, turn, access, expires };
    this.#store.set(JSON.stringify({ session, turn, refresh }));
    this.#channel?.postMessage(this.#own);
  }

  /**
   * By our clock; null if unknown: then a 401 will tell. Also if our clock runs so far ahead that
   * a new token looks old: we should refresh before every single request.
   */
  #expiry(expiration) {
    const expires = Date.parse(expiration ?? "");
    return expires - AHEAD > this.#platform.now() ? expires : null;
  }

  /** A tab that refreshed gives its access token to the others, which need not refresh then. */
  #listen() {
    this.#channel = this.#platform.openChannel(this.#store.name);
    if (!this.#channel) return;
    this.#channel.onmessage = ({ data }) => {
      this.#own = data;
    };
  }

  #tell(reason) {
    for (const look of this.#watchers) look();
    const session = this.record?.session ?? null;
    if (session === this.#told) return;
    this.#told = session;
    if (session === null) this.#onEnd(reason);
    for (const listener of this.#listeners) listener(this.state);
  }
}

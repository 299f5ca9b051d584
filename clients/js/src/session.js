// The session, as the tabs share it (a record in the store) and as this tab alone knows it (the
// access token of body mode, which is never stored).
//
// The record names the session (`session`, new at each login) and the rotation (`stamp`, new at
// each refresh). An access token in memory counts only while the record still bears the stamp it
// came with: so a tab never goes on as somebody who meanwhile logged out in another one.

import { noSession } from "./error.js";

/** A token is replaced this long before it expires, for requests that take their time. */
const AHEAD = 10_000;

/**
 * @typedef {{ session: string, stamp: string, refresh?: string, expires?: number | null }} Shared
 */

export class Session {
  #mode;
  #store;
  #platform;
  #channel;
  #onEnd;
  #listeners = new Set();
  /** @type {{ stamp: string, access: string, expires: number | null } | null} */
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
    store.subscribe?.(() => this.#tell("elsewhere"));
    // a page that comes back from the back/forward cache has missed what happened
    platform.on("pageshow", () => this.#tell("elsewhere"));
  }

  /** What the tabs share; null without a session. @returns {Shared | null} */
  get record() {
    try {
      const record = JSON.parse(this.#store.get() ?? "null");
      return typeof record?.stamp === "string" ? record : null;
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

  get lockName() {
    return this.#store.name;
  }

  /** The access token of body mode, if this tab has the one of the newest rotation. */
  get access() {
    return this.#current?.access ?? null;
  }

  /** Two requests that were sent with equal credentials would be answered alike. */
  get credential() {
    return this.isCookie ? (this.record?.stamp ?? null) : this.access;
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
    this.#write(answer, this.#platform.id());
    this.#tell("login");
  }

  /**
   * A refresh's answer; `false` if the record is no longer the one that was refreshed, since
   * somebody logged out or in meanwhile: then the answer is nobody's.
   * @param {Shared | null} refreshed
   */
  renew(answer, refreshed) {
    if (this.record?.stamp !== refreshed?.stamp) return false;
    this.#write(answer, refreshed?.session ?? this.#platform.id());
    this.#tell("login");
    return true;
  }

  /** A new access token for the session as it is; the refresh token stays. */
  replaceAccess({ access, access_expiration }) {
    const record = this.record;
    if (!record) throw noSession();
    const expires = this.#expiry(access_expiration);
    if (this.isCookie) this.#store.set(JSON.stringify({ ...record, expires }));
    else this.#own = { stamp: record.stamp, access, expires };
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

  get #current() {
    return this.#own && this.#own.stamp === this.record?.stamp ? this.#own : null;
  }

  #isGoodFor(milliseconds) {
    const tokens = this.isCookie ? this.record : this.#current;
    if (!tokens) return false;
    const expires = tokens.expires ?? null;
    return expires === null || expires - milliseconds > this.#platform.now();
  }

  #write({ access, access_expiration, refresh }, session) {
    const stamp = this.#platform.id();
    const expires = this.#expiry(access_expiration);
    if (this.isCookie) {
      this.#store.set(JSON.stringify({ session, stamp, expires }));
      return;
    }
    this.#own = { stamp, access, expires };
    this.#store.set(JSON.stringify({ session, stamp, refresh }));
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
    if (this.#channel) {
      this.#channel.onmessage = ({ data }) => {
        this.#own = data;
      };
    }
  }

  #tell(reason) {
    const session = this.record?.session ?? null;
    if (session === this.#told) return;
    this.#told = session;
    if (session === null) this.#onEnd(reason);
    for (const listener of this.#listeners) listener(this.state);
  }
}

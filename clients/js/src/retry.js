// When to try a failed refresh again: later and later, never in step with other tabs, not before
// the server wants it, and at once when the browser comes back online.

import { SignetError } from "./error.js";

const FIRST = 1_000;
const LONGEST = 60_000;

export class Retry {
  #platform;
  #failures = 0;
  #callOff = null;
  /** The server's wish, if it had one: its error, and until when. */
  #hold = null;

  /** @type {() => Promise<unknown>} set by whom this serves */
  action = async () => {};

  constructor(platform) {
    this.#platform = platform;
    platform.on("online", () => {
      if (this.#callOff && !this.#remaining()) this.#run();
    });
  }

  /** Throws what the server said when it asked to be left alone until later. */
  check() {
    const remaining = this.#remaining();
    if (!remaining) return;
    const { status, code, detail } = this.#hold.error;
    throw new SignetError({ status, code, detail, retryAfter: Math.ceil(remaining / 1_000) });
  }

  /** @param {SignetError} error */
  schedule(error) {
    const now = this.#platform.now();
    const asked = (error.retryAfter ?? 0) * 1_000;
    // An error that `check` threw says nothing new.
    if (this.#remaining()) return;
    this.#hold = asked > 0 ? { error, until: now + asked } : null;
    this.#callOff?.();
    const backoff = Math.min(LONGEST, FIRST * 2 ** this.#failures);
    const jitter = backoff * (0.5 + this.#platform.random() / 2);
    this.#failures += 1;
    this.#callOff = this.#platform.after(asked + jitter, () => this.#run());
  }

  cancel() {
    this.#callOff?.();
    this.#callOff = null;
    this.#failures = 0;
    this.#hold = null;
  }

  #run() {
    this.#callOff?.();
    this.#callOff = null;
    // Whoever is interested in the outcome hears of it through the session.
    this.action().catch(() => {});
  }

  #remaining() {
    return this.#hold ? Math.max(0, this.#hold.until - this.#platform.now()) : 0;
  }
}

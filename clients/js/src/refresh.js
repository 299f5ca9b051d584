// The refresh: at most one at a time, in this tab and across tabs.
//
// Signet answers a refresh token's immediate predecessor, for 30 seconds, with the same successor:
// a lost answer or a repeated question is harmless. A token two generations old, though, looks
// stolen and ends the session. A request of this tab that was held up while other tabs rotated
// twice would log everybody out; so tabs take turns, and each looks, when its turn comes, at what
// the others have done.

import { noSession } from "./error.js";
import { isSame } from "./session.js";

/** A request that hangs must not keep the other tabs waiting. */
const TIMEOUT = 15_000;

export class Refresher {
  #session;
  #turns;
  #call;
  #retry;
  #flight = null;

  constructor({ session, turns, call, retry }) {
    this.#session = session;
    this.#turns = turns;
    this.#call = call;
    this.#retry = retry;
    retry.action = () => this.refresh();
  }

  /** Resolves when the session has a new access token, whoever got it. */
  refresh() {
    this.#flight ??= this.#fly().finally(() => {
      this.#flight = null;
    });
    return this.#flight;
  }

  async #fly() {
    this.#retry.check();
    const seen = this.#session.record;
    try {
      await this.#turns.take(() => this.#turn(seen));
      this.#retry.cancel();
    } catch (error) {
      // Not being able to ask is no answer: the session stays, and we ask again.
      if (error.isTransient) this.#retry.schedule(error);
      else this.#retry.cancel();
      throw error;
    }
  }

  async #turn(seen) {
    for (;;) {
      const record = this.#session.record;
      // Cookies may be there without a record, if the store was cleared: worth a question.
      if (!record && (seen || !this.#session.isCookie)) throw noSession();
      if (!isSame(record, seen) && this.#session.isFresh) return;
      const answer = await this.#ask(record);
      if (answer && this.#session.renew(answer, record)) return;
    }
  }

  /** The answer; null if the question is out of date. */
  async #ask(record) {
    const body = this.#session.isCookie ? {} : { refresh: record.refresh };
    // keepalive: a tab that is closed now still gets its cookies
    const options = { timeout: TIMEOUT, keepalive: true };
    try {
      return await this.#call("POST", "token/refresh/", body, options);
    } catch (error) {
      if (error.status !== 401) throw error;
      // Another tab may have stored a newer token while ours was refused.
      if (!isSame(this.#session.record, record)) return null;
      this.#session.close("expired");
      throw error;
    }
  }
}

// One request to Signet: JSON there and back, a SignetError for everything that is no success.

import { Csrf } from "./csrf.js";
import { errorOf, unreachable } from "./error.js";

export class Transport {
  #base;
  #isCookie;
  #platform;
  #csrf;

  constructor({ baseUrl, prefix, mode, csrf, platform }) {
    this.#base = baseUrl.replace(/\/+$/, "") + prefix.replace(/\/+$/, "");
    this.#isCookie = mode === "cookie";
    this.#platform = platform;
    if (csrf && this.#isCookie) this.#csrf = new Csrf(() => this.call("GET", "csrf/"));
  }

  /**
   * Asks and reads the answer.
   * @param {{ timeout?: number, keepalive?: boolean, send?: (request: Request) => Promise<Response> }}
   *   [options] `send`: how, if not anonymously
   */
  async call(method, path, body, { timeout, keepalive, send } = {}) {
    const limit = this.#limit(timeout);
    const request = new Request(`${this.#base}/${path}`, {
      method,
      headers: {
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: this.#isCookie ? "include" : "omit",
      keepalive: keepalive ?? false,
      signal: limit.signal,
    });
    try {
      const response = await (send ?? ((it) => this.send(it)))(request);
      if (!response.ok) throw await errorOf(response);
      return response.status === 204 ? null : await response.json();
    } catch (error) {
      throw error.name === "SignetError" ? error : unreachable(error);
    } finally {
      limit.end();
    }
  }

  /** Sends a request to Signet's own origin, with the CSRF token it may need. */
  async send(request) {
    if (!this.#csrf) return this.#platform.fetch(request);
    const spare = request.clone();
    const response = await this.#sendWithToken(request);
    return (await this.#csrf.isRefusal(response)) ? this.#sendWithToken(spare) : response;
  }

  async #sendWithToken(request) {
    const token = await this.#csrf.tokenFor(request.method);
    if (token !== null) request.headers.set("X-CSRFToken", token);
    return this.#platform.fetch(request);
  }

  #limit(milliseconds) {
    if (milliseconds === undefined) return { signal: undefined, end() {} };
    const controller = new AbortController();
    const end = this.#platform.after(milliseconds, () => controller.abort());
    return { signal: controller.signal, end };
  }
}

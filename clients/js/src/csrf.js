// The double submit: a cookie that other sites cannot read, said again in a header.

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

export class Csrf {
  #load;
  #token = null;

  /** @param {() => Promise<{ csrfToken: string }>} load asks Signet for the token and the cookie */
  constructor(load) {
    this.#load = load;
  }

  /** The token for a request with this method; null for one that changes nothing. */
  async tokenFor(method) {
    if (SAFE.has(method)) return null;
    this.#token ??= this.#load().then(({ csrfToken }) => csrfToken);
    try {
      return await this.#token;
    } catch (error) {
      this.#token = null;
      throw error;
    }
  }

  /** Whether a response complains of the token, which is then forgotten. */
  async isRefusal(response) {
    if (response.status !== 403) return false;
    const problem = await response.clone().json().catch(() => null);
    const isRefusal = String(problem?.detail ?? "").startsWith("CSRF Failed");
    if (isRefusal) this.#token = null;
    return isRefusal;
  }
}

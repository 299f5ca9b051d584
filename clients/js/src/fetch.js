// A fetch that is somebody: it attaches the credential, and gets a new one when it is time.

import { isSame } from "./session.js";

/**
 * @param {{ session: import("./session.js").Session, refresher: import("./refresh.js").Refresher,
 *   transport: import("./transport.js").Transport, platform: import("./platform.js").Platform,
 *   signet: string, origins: Set<string> }} parts `origins`: who may see the credential
 */
export function authenticatedFetch({ session, refresher, transport, platform, signet, origins }) {
  const send = (request) =>
    new URL(request.url).origin === signet ? transport.send(request) : platform.fetch(request);

  function withCredential(request) {
    if (session.isCookie) return new Request(request, { credentials: "include" });
    if (session.access !== null) request.headers.set("Authorization", `Bearer ${session.access}`);
    return request;
  }

  return async function fetch(input, init) {
    const request = new Request(input, init);
    if (!origins.has(new URL(request.url).origin)) return platform.fetch(request);
    if (session.record && !session.isFresh) await refreshAhead();
    const spare = request.clone();
    const used = session.record;
    const response = await send(withCredential(request));
    if (response.status !== 401 || !session.record) return response;
    // Unless somebody else has refreshed since this request left.
    const isOutdated = session.isFresh && !isSame(session.record, used);
    if (!isOutdated && !(await refreshed())) return response;
    return send(withCredential(spare));
  };

  /** An outage of the refresh is none of the request, while the old token holds. */
  async function refreshAhead() {
    try {
      await refresher.refresh();
    } catch (error) {
      if (!error.isTransient || !session.isUsable) throw error;
    }
  }

  /** `false`: the session is over, and the 401 is the last word. */
  async function refreshed() {
    try {
      await refresher.refresh();
      return true;
    } catch (error) {
      if (error.status === 401) return false;
      throw error;
    }
  }
}

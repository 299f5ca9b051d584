// The client: the parts put together, and Signet's endpoints by name.

import { authenticatedFetch } from "./fetch.js";
import { browser } from "./platform.js";
import { Refresher } from "./refresh.js";
import { Retry } from "./retry.js";
import { Session } from "./session.js";
import { defaultStore } from "./store.js";
import { Transport } from "./transport.js";
import { Turns } from "./turns.js";

/**
 * @param {import("../index.d.ts").Options} options
 * @param {import("./platform.js").Platform} [platform] for tests
 * @returns {import("../index.d.ts").Client}
 */
export function createClient(options, platform = browser()) {
  const { baseUrl, prefix = "/auth", mode, store = defaultStore(), csrf, onSessionEnd } = options;
  if (mode !== "body" && mode !== "cookie") throw new TypeError('mode is "body" or "cookie"');
  if (options.fetch) platform = { ...platform, fetch: options.fetch };

  const transport = new Transport({ baseUrl, prefix, mode, csrf, platform });
  const session = new Session({ mode, store, platform, onSessionEnd });
  const call = (...request) => transport.call(...request);
  const turns = new Turns({ session, platform });
  const refresher = new Refresher({ session, turns, call, retry: new Retry(platform) });
  const here = globalThis.location?.href;
  const signet = new URL(baseUrl || "/", here).origin;
  const own = here ? [new URL(here).origin] : [];
  const origins = new Set([signet, ...own, ...(options.origins ?? [])]);
  const fetch = authenticatedFetch({ session, refresher, transport, platform, signet, origins });
  const callAsUser = (method, path, body) => call(method, path, body, { send: fetch });

  /** For answers that may bring a session: not every one does (an address to be confirmed first). */
  function opened(answer) {
    if (typeof answer.access === "string") session.open(answer);
    return answer;
  }

  return {
    get state() {
      return session.state;
    },
    subscribe: (listener) => session.subscribe(listener),
    fetch,
    refresh: () => refresher.refresh(),

    register: async (fields) => opened(await call("POST", "registration/", fields)),
    verifyEmail: (key) => call("POST", "registration/verify-email/", { key }),
    resendEmail: (email) => call("POST", "registration/resend-email/", { email }),
    requestReset: (email) => call("POST", "password/reset/", { email }),
    confirmReset: (fields) => call("POST", "password/reset/confirm/", fields),
    confirmEmailChange: (key) => call("POST", "email/change/confirm/", { key }),

    login: async (fields) => opened(await call("POST", "login/", fields)),
    logout: () => logout({ session, call }),
    async logoutAll() {
      const answer = await callAsUser("POST", "logout/all/");
      session.close("logout");
      return answer;
    },
    async reauthenticate(password) {
      session.replaceAccess(await callAsUser("POST", "reauthenticate/", { password }));
    },

    user: () => callAsUser("GET", "user/"),
    updateUser: (fields) => callAsUser("PATCH", "user/", fields),
    changePassword: (fields) => callAsUser("POST", "password/change/", fields),
    changeEmail: (fields) => callAsUser("POST", "email/change/", fields),
    async deleteUser(password) {
      await callAsUser("DELETE", "user/", { password });
      session.close("logout");
    },
    sessions: () => callAsUser("GET", "sessions/"),
    endSession: (id) => callAsUser("DELETE", `sessions/${encodeURIComponent(id)}/`),
  };
}

/**
 * In body mode forgetting the tokens ends what this browser can do, even if Signet does not hear of
 * it. Cookies only Signet can take away: then a logout that it did not hear of is none.
 */
async function logout({ session, call }) {
  const refresh = session.record?.refresh;
  try {
    const answer = await call("POST", "logout/", refresh ? { refresh } : {});
    session.close("logout");
    return answer;
  } catch (error) {
    const isOver = error.status === 401;
    if (isOver || !session.isCookie) session.close("logout");
    if (isOver) return { detail: error.detail };
    throw error;
  }
}

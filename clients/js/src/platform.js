// What the browser gives us, in one place, so that the tests can give something else.

/** @typedef {ReturnType<typeof browser>} Platform */

export function browser() {
  const scope = globalThis;
  return {
    fetch: (request) => scope.fetch(request),
    now: () => Date.now(),
    random: () => Math.random(),
    id: () => Array.from(scope.crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join(""),
    /** Calls `action` later; the answer is called to call it off. */
    after(milliseconds, action) {
      const timer = setTimeout(action, milliseconds);
      return () => clearTimeout(timer);
    },
    on: (event, listener) => scope.addEventListener?.(event, listener),
    /** Runs `action` while no other tab runs one under the same name. */
    exclusively(name, action) {
      const locks = scope.navigator?.locks;
      return name && locks ? locks.request(name, action) : action();
    },
    /** A way to tell the other tabs something that must not be stored. */
    openChannel: (name) => (name && scope.BroadcastChannel ? new scope.BroadcastChannel(name) : null),
  };
}

// What the browser gives us, in one place, so that the tests can give something else.

/** Long after everybody has seen what a note is of; while it is held, a page is not cached. */
const NOTE_LIFE = 3_000;

/** @typedef {ReturnType<typeof browser>} Platform */

export function browser() {
  const scope = globalThis;
  const locks = scope.navigator?.locks;
  return {
    fetch: (request) => scope.fetch(request),
    now: () => Date.now(),
    random: () => Math.random(),
    id() {
      const numbers = scope.crypto.getRandomValues(new Uint32Array(4));
      return Array.from(numbers, (number) => number.toString(36)).join("");
    },
    /** Calls `action` later; the answer is called to call it off. */
    after(milliseconds, action) {
      const timer = setTimeout(action, milliseconds);
      return () => clearTimeout(timer);
    },
    on: (event, listener) => scope.addEventListener?.(event, listener),
    /** Runs `action` while no other tab runs one under the same name. */
    exclusively: (name, action) => (locks ? locks.request(name, action) : action()),
    /** Resolves once a note is there for other tabs to find; it goes away by itself. */
    leaveNote(note) {
      if (!locks) return Promise.resolve();
      return new Promise((left) => {
        const hold = () => {
          left();
          return new Promise((resolve) => setTimeout(resolve, NOTE_LIFE));
        };
        void locks.request(note, { mode: "shared" }, hold);
      });
    },
    /** The notes of all tabs that begin so; what follows on that. */
    async notes(prefix) {
      const { held = [] } = (await locks?.query()) ?? {};
      const notes = held.filter(({ name }) => name.startsWith(prefix));
      return notes.map(({ name }) => name.slice(prefix.length));
    },
    /** A way to tell the other tabs something that must not be stored. */
    openChannel: (name) => (name && scope.BroadcastChannel ? new scope.BroadcastChannel(name) : null),
  };
}

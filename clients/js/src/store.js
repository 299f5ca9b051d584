// Where the record of the session lies. A store holds one string. One that other tabs see has a
// `name`: the tabs serialise their refreshes under it.

/**
 * In localStorage: shared by all tabs, and there after a reload.
 * @param {string} [name] the key; one per Signet, if an origin uses several
 * @returns {import("../index.d.ts").Store}
 */
export function localStore(name = "signet") {
  const storage = globalThis.localStorage;
  return {
    name,
    get: () => storage.getItem(name),
    set: (value) => storage.setItem(name, value),
    remove: () => storage.removeItem(name),
    subscribe(listener) {
      globalThis.addEventListener("storage", (event) => {
        // a null key means that everything was cleared
        if (event.key === name || event.key === null) listener();
      });
    },
  };
}

/**
 * In memory: of this tab alone, and gone with it.
 * @returns {import("../index.d.ts").Store}
 */
export function memoryStore() {
  let value = null;
  return {
    get: () => value,
    set(next) {
      value = next;
    },
    remove() {
      value = null;
    },
  };
}

/** localStorage, unless the browser forbids it. */
export function defaultStore() {
  try {
    const store = localStore();
    store.get();
    return store;
  } catch {
    return memoryStore();
  }
}

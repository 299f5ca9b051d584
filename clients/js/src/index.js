export { createClient } from "./client.js";
export { SignetError } from "./error.js";
export { localStore, memoryStore } from "./store.js";

/** Browser client for Signet. */

export type State = "anonymous" | "authenticated";

/** `body`: tokens in JSON and in a store; `cookie`: in HttpOnly cookies that no script sees. */
export type Mode = "body" | "cookie";

/** `logout`: here; `elsewhere`: in another tab; `expired`: Signet refused the refresh. */
export type EndReason = "logout" | "elsewhere" | "expired";

export interface Options {
  /** Where Signet is, such as `https://login.example.com`; empty: the page's own origin. */
  baseUrl: string;
  /** Signet's `[account] prefix`; `/auth` by default. */
  prefix?: string;
  mode: Mode;
  /** Where the record of the session lies; `localStore()` by default. */
  store?: Store;
  /** Cookie mode: send the token of `[cookies] csrf_token`. */
  csrf?: boolean;
  /** Further origins whose APIs may see the credential, beside Signet's and the page's own. */
  origins?: string[];
  /** In place of the browser's. */
  fetch?: (request: Request) => Promise<Response>;
  /** Called once when a session is over, for whatever reason. */
  onSessionEnd?: (reason: EndReason) => void;
}

/** Holds one string. What tabs share has a `name`, under which they serialise their refreshes. */
export interface Store {
  readonly name?: string;
  get(): string | null;
  set(value: string): void;
  remove(): void;
  /** Calls the listener when another tab has changed the value. */
  subscribe?(listener: () => void): void;
}

export interface User {
  pk: string;
  username: string;
  email: string;
  first_name: string;
  last_name: string;
}

/** One session of the user, on some device. */
export interface Device {
  id: string;
  created_at: string;
  last_used_at: string;
  client: string;
  user_agent: string | null;
  address: string | null;
  /** Whether it is the one that asks. */
  current: boolean;
}

export interface Detail {
  detail: string;
}

export interface LoggedIn {
  access: string;
  refresh: string;
  user: User;
}

export interface Client {
  /** As of now; whether Signet still agrees, a request will tell. */
  readonly state: State;
  /** Told when the session begins, ends, or becomes another one. Returns what ends it. */
  subscribe(listener: (state: State) => void): () => void;
  /** `fetch`, with the credential; refreshes before it expires, or once upon a 401. */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** Gets a new access token now; `fetch` does it by itself when it is time. */
  refresh(): Promise<void>;

  /** The tokens come at once, or after the address is confirmed: as Signet is set up. */
  register(fields: {
    username?: string;
    email?: string;
    password1: string;
    password2: string;
  }): Promise<LoggedIn | Detail>;
  verifyEmail(key: string): Promise<Detail>;
  resendEmail(email: string): Promise<Detail>;
  login(fields: { username?: string; email?: string; password: string }): Promise<LoggedIn>;
  /** Rejects if Signet cannot be reached; in cookie mode one is then still logged in. */
  logout(): Promise<Detail>;
  /** Ends the sessions of all devices, this one's too. */
  logoutAll(): Promise<Detail>;
  /** Proves anew who is there, where a recent proof is asked for. */
  reauthenticate(password: string): Promise<void>;

  user(): Promise<User>;
  updateUser(fields: Partial<Pick<User, "username" | "first_name" | "last_name">>): Promise<User>;
  changePassword(fields: {
    old_password: string;
    new_password1: string;
    new_password2: string;
  }): Promise<Detail>;
  requestReset(email: string): Promise<Detail>;
  confirmReset(fields: {
    uid: string;
    token: string;
    new_password1: string;
    new_password2: string;
  }): Promise<Detail>;
  changeEmail(fields: { email: string; password: string }): Promise<Detail>;
  confirmEmailChange(key: string): Promise<Detail>;
  deleteUser(password: string): Promise<void>;

  sessions(): Promise<Device[]>;
  endSession(id: string): Promise<void>;
}

/** What Signet refused, or (`status` 0) why it could not be asked. */
export class SignetError extends Error {
  readonly status: number;
  /** Stable, for programs: the CODE of `urn:signet:error:CODE`. */
  readonly code: string;
  /** For people. */
  readonly detail: string;
  /** Messages by field; those about none are under `non_field_errors`. */
  readonly fields: Record<string, string[]>;
  /** Seconds until another try makes sense. */
  readonly retryAfter: number | null;
  /** Whether the same request may succeed later. */
  readonly isTransient: boolean;
}

export function createClient(options: Options): Client;
/** In localStorage, under one key. */
export function localStore(name?: string): Store;
/** Of this tab, until it is reloaded. */
export function memoryStore(): Store;

// Everything that can go wrong is one class, so that an app has one thing to catch.

const TYPE = "urn:signet:error:";

/** Members of a problem document that are not messages about a field. */
const OWN_MEMBERS = new Set(["type", "title", "status", "detail", "code", "messages"]);

/** What Signet refused, or why it could not be asked (then `status` is 0). */
export class SignetError extends Error {
  /**
   * @param {{ status: number, code: string, detail?: string, fields?: Record<string, string[]>,
   *   retryAfter?: number | null, cause?: unknown }} facts
   */
  constructor({ status, code, detail, fields = {}, retryAfter = null, cause }) {
    super(detail ?? Object.values(fields)[0]?.[0] ?? code, { cause });
    this.name = "SignetError";
    this.status = status;
    this.code = code;
    this.detail = this.message;
    this.fields = fields;
    this.retryAfter = retryAfter;
  }

  /** Whether the same request may succeed later, with nothing changed. */
  get isTransient() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** The service could not be reached, or did not answer in time. */
export function unreachable(cause) {
  const detail = "The service cannot be reached.";
  return new SignetError({ status: 0, code: "unreachable", detail, cause });
}

/** There is no session that could be refreshed. */
export function noSession() {
  const detail = "Authentication credentials were not provided.";
  return new SignetError({ status: 401, code: "not_authenticated", detail });
}

/**
 * The error that a response tells of. A proxy in between may have answered with anything.
 * @param {Response} response
 */
export async function errorOf(response) {
  const problem = await response.json().catch(() => null);
  const members = problem !== null && typeof problem === "object" ? problem : {};
  return new SignetError({
    status: response.status,
    code: codeOf(members),
    detail: text(members.detail) ?? (hasFields(members) ? undefined : text(members.title)),
    fields: fieldsOf(members),
    retryAfter: seconds(response.headers.get("Retry-After")),
  });
}

function codeOf({ type, code }) {
  if (typeof type === "string" && type.startsWith(TYPE)) return type.slice(TYPE.length);
  return text(code) ?? "unknown";
}

function fieldsOf(members) {
  const fields = Object.entries(members).filter(
    ([name, value]) => !OWN_MEMBERS.has(name) && Array.isArray(value),
  );
  return Object.fromEntries(fields.map(([name, messages]) => [name, messages.map(String)]));
}

const hasFields = (members) => Object.keys(fieldsOf(members)).length > 0;

const text = (value) => (typeof value === "string" ? value : undefined);

/** Signet sends seconds; a date, as a proxy might, is not worth a parser. */
const seconds = (header) => (header !== null && /^\d+$/.test(header) ? Number(header) : null);

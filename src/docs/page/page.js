// The page of the API: made of the document that the server publishes, so that it knows no route
// by itself but how one logs in. Whatever comes from outside is put in as text, never as HTML.

const base = document.body.dataset.base;
const at = (id) => document.getElementById(id);
const api = await load();
const session = { access: "", refresh: "", name: "", isCookie: false };

/** An element with attributes and children; texts become text nodes. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== undefined && child !== null));
  return element;
}

async function load() {
  try {
    const response = await fetch(`${base}/openapi.json`);
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    return await response.json();
  } catch (error) {
    at("operations").replaceChildren(
      make("p", { class: "notice", role: "alert" }, `The document could not be loaded: ${error.message}`),
    );
    throw error;
  }
}

/** What a reference refers to; anything else is itself. */
function resolved(value) {
  const names = value?.$ref?.split("/").slice(1);
  return names ? names.reduce((found, name) => found?.[name], api) : value;
}

/** All operations, in the order of the document. */
const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method: method.toUpperCase() })),
);
const byId = (id) => operations.find((operation) => operation.operationId === id);
const schemaOf = (operation) => resolved(operation.requestBody?.content["application/json"]?.schema);
const takesCookies = "cookie" in (api.components.securitySchemes ?? {});

// --- requests

/** A request as it is sent, and as curl would send it. */
async function request(operation, parameters, fields, mediaType) {
  const filled = operation.path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(parameters[name] ?? ""));
  const url = new URL(base + filled, location.origin);
  for (const { name, in: place } of operation.parameters ?? []) {
    if (place === "query" && parameters[name]) url.searchParams.set(name, parameters[name]);
  }
  const headers = {};
  let body;
  const curl = [`curl -X ${operation.method} ${quoted(url.href)}`];
  if (operation.requestBody) {
    headers["Content-Type"] = mediaType;
    if (mediaType === "application/json") {
      body = JSON.stringify(fields);
      curl.push(`-H ${quoted("Content-Type: application/json")}`, `-d ${quoted(body)}`);
    } else if (mediaType === "multipart/form-data") {
      delete headers["Content-Type"]; // the browser adds it, with the boundary
      body = new FormData();
      for (const [name, value] of Object.entries(fields)) {
        body.append(name, value);
        curl.push(`--form-string ${quoted(`${name}=${value}`)}`);
      }
    } else {
      body = new URLSearchParams(fields);
      for (const [name, value] of body) curl.push(`--data-urlencode ${quoted(`${name}=${value}`)}`);
    }
  }
  await renew(operation);
  if (session.access) {
    headers.Authorization = `Bearer ${session.access}`;
    curl.push(`-H ${quoted(`Authorization: ${headers.Authorization}`)}`);
  } else if (operation.parameters?.some((parameter) => parameter.name === "x-csrftoken")) {
    headers["X-CSRFToken"] = await csrfToken();
    curl.push(`-H ${quoted(`X-CSRFToken: ${headers["X-CSRFToken"]}`)}`);
  }
  const options = { method: operation.method, headers, body, credentials: takesCookies ? "same-origin" : "omit" };
  return { url, options, curl: curl.join(" \\\n  ") };
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

async function csrfToken() {
  const response = await fetch(new URL(base + byId("getCsrfToken").path, location.origin));
  return (await response.json()).csrfToken ?? "";
}

async function send({ url, options }) {
  const started = performance.now();
  const response = await fetch(url, { ...options, cache: "no-store" });
  const text = await response.text();
  let json;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  return { response, text, json, milliseconds: Math.round(performance.now() - started) };
}

// --- who is asking

/** Takes over the tokens that an answer brings; with cookies it brings the person alone. */
function adopt(operation, answer) {
  if (!answer.response.ok) return;
  if (["logout", "logoutEverywhere", "deleteUser"].includes(operation.operationId)) {
    Object.assign(session, { access: "", refresh: "", name: "", isCookie: false });
  } else if (answer.json && typeof answer.json === "object") {
    const { json } = answer;
    const access = json.access ?? json.access_token;
    if (access === undefined) return;
    session.access = access;
    session.isCookie = access === "";
    session.refresh = json.refresh ?? json.refresh_token ?? session.refresh;
    session.name = json.user?.username || json.user?.email || session.name || "somebody";
  }
  tell();
}

/** Gets the next tokens where the access token is about to expire. */
async function renew(operation) {
  const refresh = byId("refreshToken");
  if (!session.access || !session.refresh || operation === refresh || !isOver(session.access)) return;
  const stale = session.access;
  session.access = "";
  const name = "refresh";
  const answer = await send(await request(refresh, {}, { [name]: session.refresh }, "application/json"));
  if (answer.response.ok) adopt(refresh, answer);
  else session.access = stale;
}

function isOver(token) {
  try {
    const claims = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return claims.exp * 1000 < Date.now() + 5000;
  } catch {
    return false;
  }
}

function tell() {
  const isIn = Boolean(session.access || session.isCookie);
  const how = session.isCookie ? "Cookies go" : "The access token goes";
  at("who").textContent = isIn ? `${session.name}. ${how} with every request below.` : "Nobody in particular.";
  at("log-in").hidden = isIn;
  at("log-out").hidden = !isIn;
}

async function logIn(event) {
  event.preventDefault();
  const operation = byId("login");
  const name = at("name").value.trim();
  const known = schemaOf(operation).properties;
  const isAddress = "email" in known && name.includes("@");
  const fields = { [isAddress ? "email" : "username"]: name, password: at("password").value };
  const answer = await send(await request(operation, {}, fields, "application/json"));
  if (answer.response.ok) {
    at("password").value = "";
    adopt(operation, answer);
    at("log-out").querySelector("button").focus();
  } else {
    at("who").textContent = reasons(answer) || `Refused: ${answer.response.status}.`;
  }
}

async function logOut(event) {
  event.preventDefault();
  const operation = byId("logout");
  const fields = session.refresh ? { refresh: session.refresh } : {};
  await send(await request(operation, {}, fields, "application/json")).catch(() => {});
  adopt(operation, { response: { ok: true } });
  at("name").focus();
}

/** What a problem document says, as sentences. */
function reasons({ json }) {
  const texts = Object.values(json ?? {}).flatMap((value) => (Array.isArray(value) ? value : []));
  return [json?.detail, ...texts].filter((text) => typeof text === "string").join(" ");
}

// --- the page

function show() {
  at("about").replaceChildren(...api.info.description.split("\n\n").map((text) => make("p", {}, ...marked(text))));
  const areas = api.tags.map((tag) => {
    const own = operations.filter((operation) => operation.tags.includes(tag.name));
    return make(
      "section",
      { class: "area", "aria-labelledby": `area-${tag.name}` },
      make("h2", { id: `area-${tag.name}` }, tag.name.charAt(0).toUpperCase() + tag.name.slice(1)),
      make("p", {}, tag.description),
      ...own.map(show1),
    );
  });
  at("operations").replaceChildren(...areas);
  at("operations").removeAttribute("aria-busy");
}

/** `code` in a text of the document. */
const marked = (text) => text.split("`").map((part, index) => (index % 2 ? make("code", {}, part) : part));

function show1(operation) {
  const inside = make("div", { class: "inside" });
  const details = make(
    "details",
    { class: "operation", id: operation.operationId },
    make(
      "summary",
      {},
      make(
        "h3",
        {},
        make("span", { class: `method ${operation.method.toLowerCase()}` }, operation.method),
        make("span", { class: "path" }, ...operation.path.split(/(?<=.\/)/).flatMap((part) => [part, make("wbr")])),
        make("span", { class: "summary" }, operation.summary),
      ),
    ),
    inside,
  );
  details.addEventListener("toggle", () => {
    if (details.open && !inside.hasChildNodes()) fill(inside, operation);
    if (details.open) suggest(inside);
  });
  return details;
}

function fill(inside, operation) {
  const needsSomebody = operation.security?.length && !operation.security.some((way) => !Object.keys(way).length);
  if (operation.description) inside.append(make("p", {}, ...marked(operation.description)));
  if (needsSomebody) inside.append(make("p", { class: "hint" }, "Needs somebody who is logged in."));
  const parameters = (operation.parameters ?? []).filter((parameter) => ["path", "query"].includes(parameter.in));
  const schema = schemaOf(operation);
  const inputs = [
    ...parameters.map((parameter) => field(operation, "path", parameter.name, parameter, parameter.example, parameter.required)),
    ...Object.entries(schema?.properties ?? {}).map(([name, about]) =>
      field(operation, "body", name, about, about.examples?.[0], schema.required?.includes(name)),
    ),
  ];
  const types = Object.keys(operation.requestBody?.content ?? {});
  const select = make("select", { id: `${operation.operationId}-type` }, ...types.map((type) => make("option", {}, type)));
  const form = make(
    "form",
    { novalidate: true },
    inputs.length ? make("div", { class: "fields" }, ...inputs) : undefined,
    make(
      "div",
      { class: "send" },
      types.length ? make("div", { class: "field" }, make("label", { for: select.id }, "Sent as"), select) : undefined,
      make("button", { type: "submit" }, "Send"),
    ),
  );
  // Read aloud is how it went; the rest can be read on demand.
  const state = make("p", { class: "status", role: "status" });
  const result = make("div", { class: "result" });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(operation, form, select.value, [state, result]);
  });
  inside.append(form, state, result, answers(operation));
}

function field(operation, place, name, about, example, isRequired) {
  const id = `${operation.operationId}-${place}-${name}`;
  const isSecret = about.format === "password";
  const input = make("input", {
    id,
    name,
    "data-place": place,
    type: isSecret ? "password" : "text",
    autocomplete: isSecret ? "new-password" : "off",
    autocapitalize: "none",
    spellcheck: "false",
    placeholder: isSecret ? undefined : example,
    "aria-describedby": about.description ? `${id}-hint` : undefined,
    "aria-required": isRequired ? "true" : undefined,
  });
  const optional = isRequired ? undefined : make("span", { class: "hint" }, " (optional)");
  const hint = about.description && make("p", { class: "hint", id: `${id}-hint` }, ...marked(about.description));
  return make("div", { class: "field" }, make("label", { for: id }, name, optional), input, hint || undefined);
}

/** Tokens of the session stand where tokens are asked for. */
function suggest(inside) {
  for (const input of inside.querySelectorAll('input[name="refresh"], input[name="token"]')) {
    if (input.value === "" && session.refresh) input.value = session.refresh;
  }
}

async function attempt(operation, form, mediaType, [state, result]) {
  const values = { path: {}, body: {} };
  for (const input of form.querySelectorAll("input")) {
    if (input.value !== "") values[input.dataset.place][input.name] = input.value;
  }
  state.replaceChildren("Sending…");
  result.replaceChildren();
  try {
    const sent = await request(operation, values.path, values.body, mediaType);
    const answer = await send(sent);
    const { ok, status, statusText } = answer.response;
    const name = make("strong", { class: ok ? undefined : "refused" }, `${status} ${statusText}`);
    state.replaceChildren(name, make("span", { class: "hint" }, `${answer.milliseconds} ms`));
    result.replaceChildren(...outcome(sent, answer));
    adopt(operation, answer);
  } catch (error) {
    state.replaceChildren(`There was no answer: ${error.message}`);
  }
}

function outcome(sent, { response, text, json }) {
  const copy = make("button", { type: "button", class: "plain" }, "Copy");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(sent.curl);
    copy.textContent = "Copied";
  });
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return [
    text ? make("pre", { tabindex: "0" }, json === undefined ? text : JSON.stringify(json, null, 2)) : undefined,
    make("details", {}, make("summary", {}, "Headers"), make("pre", { tabindex: "0" }, headers)),
    make("h4", {}, "The same with curl", copy),
    make("pre", { tabindex: "0" }, sent.curl),
  ].filter(Boolean);
}

/** How the operation may answer; of refusals, which all look alike, the status alone. */
function answers(operation) {
  const list = Object.entries(operation.responses).flatMap(([status, response]) => {
    const { description, content } = resolved(response);
    const example = "$ref" in response ? undefined : Object.values(content ?? {})[0]?.example;
    const shown = example === undefined ? undefined : make("pre", { tabindex: "0" }, JSON.stringify(example, null, 2));
    return [make("dt", {}, status), make("dd", {}, description, shown)];
  });
  return make(
    "div",
    { class: "answers" },
    make("details", {}, make("summary", {}, "Possible answers"), make("dl", {}, ...list)),
  );
}

at("log-in").addEventListener("submit", logIn);
at("log-out").addEventListener("submit", logOut);
show();
const wanted = at(decodeURIComponent(location.hash.slice(1)));
if (wanted?.matches("details")) {
  wanted.open = true;
  wanted.scrollIntoView();
}

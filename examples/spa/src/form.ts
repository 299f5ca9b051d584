// Forms: labels, and what Signet says against the input, at the field it says it of.

import { SignetError } from "@signet/client";

import { h } from "./dom";

export interface Field {
  name: string;
  label: string;
  type?: "text" | "email" | "password";
  autocomplete: AutoFill;
  value?: string;
  hint?: string;
  /** Names that Signet has for this field, if others too. */
  aliases?: string[];
}

export interface FormOptions {
  fields: Field[];
  submit: string;
  /** Sends it; what it returns is said below the form, which is then emptied of passwords. */
  action: (values: Record<string, string>) => Promise<string | void>;
  danger?: boolean;
}

let forms = 0;

export function form({ fields, submit, action, danger = false }: FormOptions): HTMLFormElement {
  const id = `form${(forms += 1)}`;
  const inputs = fields.map((field) => input(field, `${id}-${field.name}`));
  const status = h("p", { class: "status", role: "status" });
  const alert = h("p", { class: "error", role: "alert" });
  const button = h("button", { type: "submit", ...(danger ? { class: "danger" } : {}) }, submit);
  // What is wrong is said in Signet's words; the browser's would stand in their way.
  const attributes = { novalidate: true, onsubmit };
  const element = h("form", attributes, ...inputs.map(({ row }) => row), alert, button, status);
  return element;

  async function onsubmit(event: Event): Promise<void> {
    event.preventDefault();
    if (button.disabled) return;
    for (const { complain } of inputs) complain([]);
    alert.textContent = status.textContent = "";
    button.disabled = true;
    element.setAttribute("aria-busy", "true");
    let wait = 0;
    try {
      const values = Object.fromEntries(inputs.map(({ name, control }) => [name, control.value]));
      status.textContent = (await action(values)) ?? "";
      for (const { control } of inputs) if (control.type === "password") control.value = "";
    } catch (error) {
      if (!(error instanceof SignetError)) throw error;
      wait = error.retryAfter ?? 0;
      blame(error);
    } finally {
      element.removeAttribute("aria-busy");
      await countDown(button, submit, wait);
    }
  }

  function blame(error: SignetError): void {
    const rest = Object.entries(error.fields).filter(([name, messages]) => {
      const place = inputs.find(({ names }) => names.includes(name));
      place?.complain(messages);
      return !place;
    });
    const texts = rest.flatMap(([, messages]) => messages);
    if (Object.keys(error.fields).length === 0) texts.push(error.detail);
    alert.textContent = texts.join(" ");
    inputs.find(({ control }) => control.hasAttribute("aria-invalid"))?.control.focus();
  }
}

function input(field: Field, id: string) {
  const { name, label, type = "text", autocomplete, value = "", hint, aliases = [] } = field;
  const error = h("p", { class: "error", id: `${id}-error` });
  const note = hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null;
  const describedby = [note && `${id}-hint`, `${id}-error`].filter(Boolean).join(" ");
  const control = h("input", { id, name, type, autocomplete, value, "aria-describedby": describedby });
  if (type !== "password") control.setAttribute("autocapitalize", "none");
  const row = h("div", { class: "field" }, h("label", { for: id }, label), control, note, error);

  function complain(messages: string[]): void {
    error.textContent = messages.join(" ");
    if (messages.length > 0) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
  }
  return { name, names: [name, ...aliases], control, row, complain };
}

/** The button says how long to wait, and waits. */
async function countDown(button: HTMLButtonElement, label: string, seconds: number): Promise<void> {
  for (let left = seconds; left > 0 && button.isConnected; left -= 1) {
    button.textContent = `${label} (in ${left} s)`;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  button.textContent = label;
  button.disabled = false;
}

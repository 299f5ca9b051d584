// Elements by function call. Text goes in as text, never as markup.

type Child = Node | string | null | false;
type Properties = Record<string, string | boolean | ((event: Event) => void)>;

/** `h("a", { href: "#/login" }, "Log in")`; a function is a listener: `onclick`. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== false));
  return element;
}

/** A page: its heading gets the focus when it is shown. */
export function page(title: string, ...children: Child[]): HTMLElement {
  return h("div", { class: "page" }, h("h1", { tabindex: "-1" }, title), ...children);
}

/** A page of one narrow card. */
export function card(title: string, ...children: Child[]): HTMLElement {
  const heading = h("h1", { tabindex: "-1" }, title);
  return h("div", { class: "card narrow" }, heading, ...children);
}

/** One card among several. */
export function section(title: string, ...children: Child[]): HTMLElement {
  return h("section", { class: "card" }, h("h2", {}, title), ...children);
}

export const link = (path: string, text: string) => h("a", { href: `#${path}` }, text);

// Elements made by calls alone. Whatever comes from a server, a wallet or a link is a text node, never markup.

export type Child = Node | string | null;

/** Return an element; an attribute that is null is left out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | null>,
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function button(text: string, kind: "primary" | "quiet", press: () => void): HTMLButtonElement {
  const made = el("button", { type: "button", class: kind }, text);
  made.addEventListener("click", press);
  return made;
}

export function section(id: string, title: string, ...children: Child[]): HTMLElement {
  return el("section", { "aria-labelledby": id }, el("h2", { id }, title), ...children);
}

/** Return terms with what is said of each. */
export function facts(rows: [string, Child[]][]): HTMLElement {
  return el("dl", {}, ...rows.map(([term, said]) => el("div", {}, el("dt", {}, term), el("dd", {}, ...said))));
}

/** Return text with its addresses and hashes set apart. */
export function prose(text: string): Child[] {
  return text.split(/(0x[0-9a-fA-F]{8,})/).map((part, index) => (index % 2 === 1 ? code(part) : part));
}

export function code(text: string): HTMLElement {
  return el("code", {}, text);
}

/** Return the element with *id*, which is in the page. */
export function part<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`expected #${id} in the page`);
  return found as T;
}

/** Ask the server this page is from, and return its answer; a refusal is thrown as its text. */
export async function ask(path: string, body: Readonly<Record<string, string>>): Promise<unknown> {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", "x-para-structured-errors": "1" },
    body: JSON.stringify(body),
    credentials: "omit",
    referrerPolicy: "no-referrer",
  });
  const said: unknown = await answer.json();
  if (answer.ok) return said;
  throw new Refused(codeOf(said), answer.status);
}

/** What the server does not do, with the code of why. */
export class Refused extends Error {
  constructor(readonly code: string, readonly status: number) {
    super(code);
  }
}

function codeOf(said: unknown): string {
  const code = typeof said === "object" && said !== null ? (said as Record<string, unknown>)["code"] : "";
  return typeof code === "string" ? code : "";
}

const WORDS: Readonly<Record<string, string>> = {
  code_refused: "That code is wrong, used or too old. Try again, or ask for another one.",
  too_many_codes: "Too many codes were sent to this address. Try again in an hour.",
  messenger_unavailable: "The code could not be sent. Try again in a moment.",
  not_found: "This is over: go back and begin again.",
  rate_limited: "Too many tries from here. Wait a moment.",
};

/** Return what a person is told of *error*. */
export function words(error: unknown): string {
  const code = error instanceof Refused ? error.code : "";
  return WORDS[code] ?? "That did not work. Go back and begin again.";
}

/** Run *act* with every button off, and say in `#problem` what went wrong. */
export async function busy(act: () => Promise<void>): Promise<void> {
  const buttons = [...document.querySelectorAll("button")];
  for (const one of buttons) one.disabled = true;
  part("problem").textContent = "";
  try {
    await act();
  } catch (error) {
    part("problem").textContent = words(error);
    part<HTMLInputElement>("code").select(); // what was entered is typed over
  } finally {
    for (const one of buttons) one.disabled = false;
  }
}

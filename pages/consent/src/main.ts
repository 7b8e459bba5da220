// The consent page: reads what a link asks its owner to sign, checks it, shows it, and lets them sign.
import { Refused, readConsent } from "./api.ts";
import { checkBounds } from "./bounds.ts";
import { Mismatch } from "./bytes.ts";
import { button, el } from "./dom.ts";
import { heading, reading } from "./reading.ts";
import { Signing } from "./signing.ts";
import { type ToSign, toSign } from "./typed.ts";
import type { Consent } from "./wire.ts";
import { sayRefusal } from "./words.ts";

const TOKEN = /^vk_consent_[A-Za-z0-9_-]{43}$/;

async function start(main: HTMLElement): Promise<void> {
  main.setAttribute("aria-busy", "true");
  const token = location.hash.slice(1);
  try {
    if (!TOKEN.test(token)) throw new Refused("no_link", "", "");
    show(main, token, await readConsent(token));
  } catch (error) {
    refuse(main, error);
  }
  main.removeAttribute("aria-busy");
}

function show(main: HTMLElement, token: string, consent: Consent): void {
  let signed: ToSign | null = null;
  let panel: HTMLElement;
  try {
    signed = toSign(consent);
    checkBounds(consent);
    // What was signed is signed: the link has nothing to give any more.
    panel = new Signing({ token, consent, signed }, () => history.replaceState(null, "", location.pathname)).element;
  } catch (error) {
    panel = warn(error);
  }
  document.title = `${consent.organization.slice(0, 40)} asks for a session · valetkey`;
  const text = el("div", { class: "text" }, ...reading(consent, signed).filter((one) => one !== null));
  main.replaceChildren(heading(consent), el("div", { class: "columns" }, text, panel));
}

/** Return what stands in the place of the panel when the server contradicts itself: nothing can be signed. */
function warn(error: unknown): HTMLElement {
  const detail = error instanceof Mismatch ? error.message : "the answer has another form than it must";
  return el(
    "section",
    { class: "panel alarm", role: "alert", "aria-labelledby": "sign" },
    el("h2", { id: "sign" }, "Do not sign"),
    el("p", {}, "What this server wants signed is not what it says here. This page lets nobody sign it."),
    el("p", { class: "why" }, detail),
  );
}

function refuse(main: HTMLElement, error: unknown): void {
  const { title, detail, mayRetry } = sayRefusal(error);
  const retry = mayRetry ? button("Try again", "primary", () => void start(main)) : null;
  const text = el("h1", { tabindex: "-1" }, title);
  main.replaceChildren(el("div", { class: "refusal", role: "alert" }, text, el("p", {}, detail), retry ?? ""));
}

const main = document.querySelector("main");
if (main !== null) {
  addEventListener("hashchange", () => location.reload());
  void start(main);
}

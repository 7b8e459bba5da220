// What people read: refusals in plain words, times, amounts and addresses.
import { Refused } from "./api.ts";

export interface Problem { title: string; detail: string; mayRetry: boolean; signsAgain?: boolean }

const ASK = "Ask whoever sent it to you for a new one.";
const OVER: Record<string, string> = {
  open: "It was signed already, and the session is open. There is nothing left to do here.",
  frozen: "It was signed already; the session is frozen.",
  exhausted: "It was signed already, and the session has used up its calls.",
  revoked: "The session was revoked before it was signed. It cannot be opened any more.",
  closed: "The session was given back before it was signed. It cannot be opened any more.",
  expired: "The time of the session is over. It cannot be opened any more.",
};

/** Return why the server refused, and whether trying again may help. */
export function sayRefusal(error: unknown): Problem {
  const { code, message, state } = error instanceof Refused ? error : new Refused("internal", String(error), "");
  switch (code) {
    case "no_link":
      return { title: "This link is not complete", detail: `Part of it is missing, or something was added. Copy it again, all of it. ${ASK}`, mayRetry: false };
    case "proof_refused":
    case "not_found":
      return { title: "This link does not work", detail: `It was replaced by a newer one, or is not complete. ${ASK}`, mayRetry: false };
    case "link_expired":
      return { title: "This link has run out", detail: ASK, mayRetry: false };
    case "session_state":
      return { title: "This session does not wait for you", detail: OVER[state] ?? message, mayRetry: false };
    case "server_unreachable":
      return { title: "The server does not answer", detail: "Look at your connection, then try again.", mayRetry: true };
    case "chain_unreachable":
      return { title: "The server cannot reach the chain", detail: "It needs the chain to answer. Try again in a moment.", mayRetry: true };
    case "malformed_signature":
      return { title: "The server refused the signatures", detail: "They are not by the owner of the account. Sign again with the account above.", mayRetry: true, signsAgain: true };
    default:
      return { title: "The server refused", detail: message, mayRetry: true };
  }
}

/** Return a time of day with its zone. */
export function when(at: number): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" }).format(at * 1000);
}

/** Return a length of time in its one or two largest units. */
export function span(seconds: number): string {
  const units: [string, number][] = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];
  const parts: string[] = [];
  let left = seconds;
  for (const [name, length] of units) {
    const count = Math.floor(left / length);
    if (count > 0 && parts.length < 2) parts.push(`${count} ${name}${count === 1 ? "" : "s"}`);
    left -= count * length;
  }
  return parts.join(" ") || "0 seconds";
}

/** Return an amount in whole units, exactly. */
export function amount(units: string, decimals: number | null): string {
  const digits = units.padStart((decimals ?? 0) + 1, "0");
  const at = digits.length - (decimals ?? 0);
  const whole = digits.slice(0, at).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const rest = digits.slice(at).replace(/0+$/, "");
  return rest ? `${whole}.${rest}` : whole;
}

/** Return text as a sentence: a capital first, unless it begins with a name, and a full stop last. */
export function sentence(text: string): string {
  const first = /^[a-z]+[ ,]/.test(text) ? text.slice(0, 1).toUpperCase() : text.slice(0, 1);
  return `${first}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}

/** Return the beginning and the end of a long hex text. */
export function short(text: string): string {
  return text.length > 20 ? `${text.slice(0, 8)}…${text.slice(-6)}` : text;
}

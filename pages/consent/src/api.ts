// The two requests of this page. The token of the link goes in a header: it never stands in a URL that is sent.
import type { Hex } from "./bytes.ts";
import type { Consent } from "./wire.ts";

const PATH = "/v1/consent";
const PATIENCE_MS = 30_000;

/** Why the server did not do it: a stable code, and the state of the session if that is the reason. */
export class Refused extends Error {
  readonly code: string;
  readonly state: string;

  constructor(code: string, detail: string, state: string) {
    super(detail);
    this.code = code;
    this.state = state;
  }
}

export async function readConsent(token: string): Promise<Consent> {
  return (await send(token, "GET", null)) as Consent;
}

/** Hand in both signatures; the same again is the same request. Return the state of the session. */
export async function handIn(token: string, ownerSignature: Hex, killNote: Hex): Promise<string> {
  const body = JSON.stringify({ owner_signature: ownerSignature, kill_note: killNote });
  return ((await send(token, "POST", body)) as { state: string }).state;
}

async function send(token: string, method: string, body: string | null): Promise<unknown> {
  const headers: Record<string, string> = { authorization: `Bearer ${token}` };
  if (body !== null) headers["content-type"] = "application/json";
  let answer: Response;
  let told: unknown;
  try {
    answer = await fetch(PATH, {
      method,
      headers,
      body,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    told = await answer.json();
  } catch {
    throw new Refused("server_unreachable", "no answer", "");
  }
  if (answer.ok) return told;
  const problem = told as { code?: unknown; detail?: unknown; state?: unknown };
  throw new Refused(String(problem.code ?? "internal"), String(problem.detail ?? ""), String(problem.state ?? ""));
}

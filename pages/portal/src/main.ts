/**
 * The frame in which the vendor's SDK has a client's shares kept and used. It does what the page around it asks, and
 * that is: messages of its own parent, of an origin that the operator named. Nobody else is answered.
 */
import { Api, Refused } from "./api.ts";
import { isAllowed } from "./origins.ts";
import { VERBS } from "./verbs.ts";

const allowed = (document.documentElement.dataset["origins"] ?? "").split(" ").filter((one) => one !== "");
let api: Api | null = null;

addEventListener("message", (event: MessageEvent<unknown>) => {
  if (event.source !== parent || parent === window || !isAllowed(event.origin, allowed)) return;
  const { type, data } = (event.data ?? {}) as { type?: unknown; data?: unknown };
  if (typeof type !== "string") return;
  void answer(type, (data ?? {}) as Record<string, unknown>, event.origin);
});

async function answer(type: string, data: Record<string, unknown>, origin: string): Promise<void> {
  const tell = (kind: string, told: unknown) => parent.postMessage({ type: kind, data: told }, origin);
  if (type === "portal:configure") {
    await configure(data, tell);
    return;
  }
  if (!type.startsWith("portal:")) return;
  try {
    const verb = VERBS[type];
    if (verb === undefined) throw new Refused("METHOD_UNSUPPORTED", `${type} is not there`);
    if (api === null) throw new Refused("INVALID_API_KEY", "INVALID_API_KEY");
    tell(`${type}Result`, await verb(api, data));
  } catch (error) {
    tell(`${type}Error`, said(error));
  }
}

async function configure(data: Record<string, unknown>, tell: (kind: string, told: unknown) => void): Promise<void> {
  const wanted = new Api(String(data["apiKey"] ?? data["authToken"] ?? ""), location.href);
  try {
    await wanted.client();
    api = wanted;
    tell("portal:ready", true);
  } catch (error) {
    api = null;
    tell("portal:authenticationError", said(error).message);
  }
}

function said(error: unknown): { code: string; message: string } {
  if (error instanceof Refused) return { code: error.code, message: error.message };
  return { code: "UNEXPECTED_ERROR", message: String(error) };
}

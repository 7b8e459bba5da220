/** What this frame asks the server that it came from, with the token of the client. */

export interface Client {
  id: string;
  metadata: { namespaces: Record<string, { address: string }> };
}

/** What the vendor's SDK makes an error of. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Asks with one token; where the frame stands says where the server is. */
export class Api {
  readonly #token: string;
  readonly #root: string;

  constructor(token: string, here: string) {
    this.#token = token;
    this.#root = new URL("../..", here).href;
  }

  /** Return the client whose token it is. */
  async client(): Promise<Client> {
    return (await this.ask("GET", "api/v3/clients/me")) as Client;
  }

  /** Return what the server answers at *path*. */
  async ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#token}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    const answer = await fetch(this.#root + path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
    });
    if (answer.status === 401) throw new Refused("INVALID_API_KEY", "INVALID_API_KEY");
    const text = await answer.text();
    const told: unknown = text === "" ? null : JSON.parse(text);
    if (!answer.ok) throw refusedBy(told);
    return told;
  }
}

function refusedBy(told: unknown): Refused {
  const { id, code, message, error } = (told ?? {}) as Record<string, unknown>;
  return new Refused(String(id ?? code ?? "UNEXPECTED_ERROR"), String(message ?? error ?? "no reason was given"));
}

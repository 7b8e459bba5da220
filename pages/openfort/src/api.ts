/** What this frame asks the server that it came from, with the player's token. No other server is ever asked. */
import { type Lock } from "./lock.ts";

/** The player's own token, or one of somebody else's with who made it. */
export interface Auth {
  token: string;
  provider: string | null;
  tokenType: string | null;
}

/** A user, as the SDK calls it, and as what is signed for it does. */
export interface User {
  id: string;
  nativeId: string;
}

export interface Account {
  id: string;
  address: string;
  ownerAddress: string;
  accountType: string;
  chainId: number;
}

export interface Wanted {
  owner: string;
  accountType: string;
  chainId: number;
}

/** What the server refused, in its words. */
export class Refused extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, status: number, message: string) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** Asks for one publishable key. */
export class Api {
  readonly #root: string;
  readonly #key: string;

  constructor(root: string, key: string) {
    this.#root = root;
    this.#key = key;
  }

  /** Return the user whose token it is. */
  async me(auth: Auth): Promise<User> {
    return (await this.#ask(auth, "GET", "iam/v2/me")) as User;
  }

  async makeAccount(auth: Auth, { owner, accountType, chainId }: Wanted): Promise<Account> {
    return (await this.#ask(auth, "POST", "v2/accounts", { address: owner, accountType, chainId })) as Account;
  }

  async account(auth: Auth, id: string): Promise<Account> {
    return (await this.#ask(auth, "GET", `v2/accounts/${encodeURIComponent(id)}`)) as Account;
  }

  async keepLocked(auth: Auth, body: Record<string, string>): Promise<void> {
    await this.#ask(auth, "POST", "iam/v2/locked-keys", body);
  }

  async lockOf(auth: Auth, address: string): Promise<Lock> {
    return ((await this.#ask(auth, "GET", `iam/v2/locked-keys/${address}`)) as { lock: Lock }).lock;
  }

  async unlocked(auth: Auth, address: string, proof: string): Promise<string> {
    return ((await this.#ask(auth, "POST", `iam/v2/locked-keys/${address}/unlock`, { proof })) as { blob: string }).blob;
  }

  async #ask(auth: Auth, method: string, path: string, body?: unknown): Promise<unknown> {
    const headers: Record<string, string> = this.#headers(auth);
    if (body !== undefined) headers["content-type"] = "application/json";
    const answer = await fetch(this.#root + path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
    });
    const told = (await answer.json().catch(() => null)) as Told | null;
    if (answer.ok) return told;
    throw new Refused(told?.code ?? "", answer.status, told?.error?.message ?? `the server answered ${answer.status}`);
  }

  #headers({ token, provider, tokenType }: Auth): Record<string, string> {
    if (provider === null) return { authorization: `Bearer ${token}`, "x-project-key": this.#key };
    return {
      authorization: `Bearer ${this.#key}`,
      "x-player-token": token,
      "x-auth-provider": provider,
      "x-token-type": tokenType ?? "",
    };
  }
}

interface Told {
  code?: string;
  error?: { message?: string };
}

/** The ten methods that the vendor's SDK calls, over one key at a time, which never leaves this frame. */
import { type Account, type Api, type Auth, Refused } from "./api.ts";
import { type Bytes, fromHex, toHex, utf8 } from "./bytes.ts";
import { type Device, type Kept } from "./device.ts";
import { addressOf, checkKey, makeKey, messageDigest, signDigest } from "./keys.ts";
import { type Entropy, INCORRECT, type Lock, MISSING, entropyOf, open, seal, secretsOf, toSign } from "./lock.ts";

type Ask = Record<string, unknown>;
type Told = Record<string, unknown>;
type Method = (ask: Ask) => Promise<Told>;

const VERSION = "valetkey";
const NOT_CONFIGURED = "not-configured-error";
const TYPES = ["Smart Account", "Delegated Account"];

/** A refusal in the words that the SDK knows; everything else is thrown, and shown as it is. */
class Known extends Error {}

/** Return the methods. */
export function signer(api: Api, device: Device): Readonly<Record<string, Method>> {
  const held = new Held(api, device);
  const methods: Record<string, Method> = {
    create: (ask) => held.make(ask, makeKey()),
    import: (ask) => held.make(ask, checkKey(fromHex(hexOf(ask["privateKey"]), 32))),
    recover: (ask) => held.recover(ask),
    sign: (ask) => held.sign(ask),
    switchChain: (ask) => held.switchChain(ask),
    updateAuthentication: (ask) => held.updateAuthentication(ask),
    logout: () => held.logout(),
    export: () => Promise.reject(new Error("this server's frame gives no private key out: it stays where it signs")),
    setRecoveryMethod: (ask) => held.setRecoveryMethod(ask),
    getCurrentDevice: (ask) => held.currentDevice(ask),
  };
  return Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, answering(method)]));
}

function answering(method: Method): Method {
  return async (ask) => {
    const uuid = ask?.["uuid"] ?? null;
    try {
      return { uuid, success: true, version: VERSION, ...(await method(ask ?? {})) };
    } catch (error) {
      if (error instanceof Known) return { uuid, success: false, version: VERSION, error: error.message };
      throw error instanceof Error ? new Error(error.message) : new Error("something went wrong in the frame");
    }
  };
}

/** The key that is in use, and whose token is shown for it. */
class Held {
  readonly #api: Api;
  readonly #device: Device;
  #kept: Kept | null = null;
  #auth: Auth | null = null;
  #player = "";
  #userId = "";

  constructor(api: Api, device: Device) {
    this.#api = api;
    this.#device = device;
  }

  /** Have a key and an account of it: first it is locked and left with the server, so that no account is lost. */
  async make(ask: Ask, secret: Bytes): Promise<Told> {
    const auth = await this.#proven(authOf(ask));
    const { accountType, chainId } = wantedOf(ask);
    refusePasskey(ask["passkey"]);
    const entropy = entropyOf(ask["encryptionKey"], ask["encryptionSession"]);
    if (entropy === null) throw new Known(MISSING.automatic);
    await this.#lock(auth, secret, entropy);
    const account = await this.#api.makeAccount(auth, { owner: addressOf(secret), accountType, chainId });
    return this.#hold(secret, account);
  }

  async recover(ask: Ask): Promise<Told> {
    const auth = await this.#proven(authOf(ask));
    refusePasskey(ask["passkey"]);
    const account = await this.#api.account(auth, String(ask["account"]));
    const entropy = entropyOf(ask["encryptionKey"], ask["encryptionSession"]);
    const here = await this.#device.find(this.#player);
    if (entropy === null && here?.address === ownerOf(account)) return this.#hold(here.secret, account);
    return this.#hold(await this.#unlock(auth, ownerOf(account), entropy), account);
  }

  /** Sign: unless it is said otherwise, the bytes that a hex text writes, as a message (EIP-191). */
  async sign(ask: Ask): Promise<Told> {
    const { secret } = await this.#inUse(ask);
    if ((ask["chainType"] ?? "EVM") !== "EVM") throw new Error("expected chainType EVM, this server has no other");
    const message = String(ask["message"]);
    const isHashed = ask["requireHash"] !== false;
    const bytes = ask["requireArrayify"] !== false || !isHashed ? fromHex(message) : utf8(message);
    return { signature: signDigest(secret, isHashed ? messageDigest(bytes) : bytes) };
  }

  async switchChain(ask: Ask): Promise<Told> {
    const { address, accountType, secret } = await this.#inUse(ask);
    const auth = this.#auth as Auth;
    const chainId = Number(ask["chainId"]);
    return this.#hold(secret, await this.#api.makeAccount(auth, { owner: address, accountType, chainId }));
  }

  async updateAuthentication(ask: Ask): Promise<Told> {
    if (this.#auth === null) return {};
    await this.#proven({ ...this.#auth, token: String(ask["accessToken"]) });
    return {};
  }

  async logout(): Promise<Told> {
    const player = this.#kept?.player ?? this.#player;
    this.#kept?.secret.fill(0);
    this.#kept = null;
    this.#auth = null;
    this.#player = "";
    if (player !== "") await this.#device.forget(player);
    return {};
  }

  /** Lock the key under something else: only who knows what it is locked under now can. */
  async setRecoveryMethod(ask: Ask): Promise<Told> {
    const { address } = await this.#inUse(ask);
    const auth = this.#auth as Auth;
    const wanted = ask["recoveryMethod"];
    if (wanted !== "password" && wanted !== "automatic") throw new Error(NO_PASSKEY);
    const brought: Record<Lock, Entropy | null> = {
      password: entropyOf(ask["recoveryPassword"], null),
      automatic: entropyOf(null, ask["encryptionSession"]),
    };
    const fresh = brought[wanted];
    if (fresh === null) throw new Known(MISSING[wanted]);
    const secret = await this.#unlock(auth, address, brought[await this.#api.lockOf(auth, address)]);
    await this.#lock(auth, secret, fresh);
    return {};
  }

  async currentDevice(ask: Ask): Promise<Told> {
    const player = String(ask["playerID"]);
    const kept = this.#kept?.player === player ? this.#kept : await this.#device.find(player);
    if (kept === null) throw new Known(NOT_CONFIGURED);
    const { deviceID, account, accountType, address } = kept;
    return { deviceID, account, accountType, address };
  }

  /** Return *auth*, once the server has said whose it is; another user's key is not used for it. */
  async #proven(auth: Auth): Promise<Auth> {
    if (auth.token !== this.#auth?.token) {
      const { id: player, nativeId } = await this.#api.me(auth);
      if (this.#kept !== null && this.#kept.player !== player) {
        this.#kept.secret.fill(0);
        this.#kept = null;
      }
      this.#player = player;
      this.#userId = nativeId;
    }
    this.#auth = auth;
    return auth;
  }

  async #inUse(ask: Ask): Promise<Kept> {
    const told = (ask["requestConfiguration"] ?? {}) as Ask;
    await this.#proven(authOf({ ...told, accessToken: told["token"] }));
    this.#kept ??= await this.#device.find(this.#player);
    if (this.#kept === null) throw new Known(NOT_CONFIGURED);
    return this.#kept;
  }

  async #hold(secret: Bytes, account: Account): Promise<Told> {
    const known = await this.#device.find(this.#player);
    const deviceID = known?.deviceID ?? crypto.randomUUID();
    const { id, accountType } = account;
    const place = { player: this.#player, account: id, address: ownerOf(account), accountType, deviceID };
    if (addressOf(secret) !== place.address) throw new Error("the key is not the owner of this account");
    this.#kept = { ...place, secret };
    await this.#device.keep(this.#kept);
    return { account: id, deviceID, address: account.address, accountType, chainId: account.chainId };
  }

  async #lock(auth: Auth, secret: Bytes, entropy: Entropy): Promise<void> {
    const address = addressOf(secret);
    const { wrap, proof } = await secretsOf(entropy, address);
    const blob = await seal(secret, wrap, address);
    const text = toSign(this.#userId, entropy.lock, blob, proof);
    const signature = signDigest(secret, messageDigest(utf8(text)));
    await this.#api.keepLocked(auth, { address, lock: entropy.lock, blob, proof: toHex(proof), signature });
  }

  async #unlock(auth: Auth, address: string, entropy: Entropy | null): Promise<Bytes> {
    const lock = await this.#api.lockOf(auth, address).catch(notThere);
    if (entropy === null || entropy.lock !== lock) throw new Known(MISSING[lock]);
    const { wrap, proof } = await secretsOf(entropy, address);
    const blob = await this.#api.unlocked(auth, address, toHex(proof)).catch(incorrect);
    return checkKey(await open(blob, wrap, address));
  }
}

const NO_PASSKEY = "recovery by passkey is not offered by this server; use a password, or automatic recovery";

function refusePasskey(passkey: unknown): void {
  if (passkey !== null && passkey !== undefined) throw new Error(NO_PASSKEY);
}

function notThere(error: unknown): never {
  throw error instanceof Refused && error.status === 404 ? new Known(NOT_CONFIGURED) : error;
}

function incorrect(error: unknown): never {
  throw error instanceof Refused && error.code === "pin_refused" ? new Known(INCORRECT) : error;
}

function ownerOf(account: Account): string {
  return (account.ownerAddress ?? account.address).toLowerCase();
}

function authOf(ask: Ask): Auth {
  const [token, provider, tokenType] = [ask["accessToken"], ask["thirdPartyProvider"], ask["thirdPartyTokenType"]];
  if (typeof token !== "string" || token === "") throw new Error("expected the token of a player who has logged in");
  const isThird = typeof provider === "string" && provider !== "";
  return { token, provider: isThird ? provider : null, tokenType: isThird ? String(tokenType ?? "") : null };
}

function wantedOf(ask: Ask): { accountType: string; chainId: number } {
  const [accountType, chainType, chainId] = [ask["accountType"], ask["chainType"] ?? "EVM", ask["chainId"]];
  if (typeof accountType !== "string" || !TYPES.includes(accountType) || chainType !== "EVM") {
    throw new Error(`accountType: expected ${TYPES.join(" or ")} on EVM, got ${String(accountType)} on ${String(chainType)}`);
  }
  if (typeof chainId !== "number") throw new Error("chainId: expected the chain of the account");
  return { accountType, chainId };
}

function hexOf(text: unknown): string {
  const written = String(text);
  return written.startsWith("0x") ? written : `0x${written}`;
}

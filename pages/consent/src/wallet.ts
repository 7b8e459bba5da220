// Wallets in this browser: found by EIP-6963 or as window.ethereum, spoken to by EIP-1193.
import { type Hex, Mismatch, hex } from "./bytes.ts";
import type { TypedData } from "./wire.ts";

export interface Provider {
  request(ask: { method: string; params?: unknown[] }): Promise<unknown>;
  on?(event: string, listener: () => void): void;
}

export interface Wallet { name: string; provider: Provider }

interface Announcement { info?: { uuid?: unknown; name?: unknown }; provider?: Provider }

declare global {
  interface Window { ethereum?: Provider }
}

const MAX_NAME = 40;

/** Tell *found* every wallet that there is, each once, also those that come later. */
export function lookForWallets(found: (wallets: Wallet[]) => void): () => void {
  const wallets: Wallet[] = [];
  const add = (name: unknown, provider: Provider | undefined) => {
    if (typeof provider?.request !== "function" || wallets.some((one) => one.provider === provider)) return;
    wallets.push({ name: typeof name === "string" && name ? name.slice(0, MAX_NAME) : "Browser wallet", provider });
    found([...wallets]);
  };
  window.addEventListener("eip6963:announceProvider", (event) => {
    const told = (event as CustomEvent<Announcement>).detail;
    add(told.info?.name, told.provider);
  });
  const look = () => {
    window.dispatchEvent(new Event("eip6963:requestProvider"));
    if (wallets.length === 0) add("", window.ethereum);
  };
  look();
  return look;
}

/** Return the accounts that the wallet lets us see, asking its owner if *ask*. */
export async function accountsOf(wallet: Wallet, ask: boolean): Promise<Hex[]> {
  const told = await wallet.provider.request({ method: ask ? "eth_requestAccounts" : "eth_accounts" });
  return Array.isArray(told) ? told.map((one) => hex(one, 20)) : [];
}

export async function chainOf(wallet: Wallet): Promise<number> {
  return Number(await wallet.provider.request({ method: "eth_chainId" }));
}

export async function switchChain(wallet: Wallet, chainId: number): Promise<void> {
  const params = [{ chainId: `0x${chainId.toString(16)}` }];
  await wallet.provider.request({ method: "wallet_switchEthereumChain", params });
}

/** Return the signature of *account* over *typed*: r, s and v, 65 bytes. */
export async function sign(wallet: Wallet, account: Hex, typed: TypedData): Promise<Hex> {
  const params = [account, JSON.stringify(typed)];
  const signature = hex(await wallet.provider.request({ method: "eth_signTypedData_v4", params }));
  if (signature.length !== 132) throw new Mismatch("not a signature of 65 bytes; a contract wallet cannot sign here");
  const v = parseInt(signature.slice(130), 16);
  return v < 27 ? (`${signature.slice(0, 130)}${(v + 27).toString(16)}` as Hex) : signature;
}

/** Return what a wallet's refusal means, in words. */
export function sayWallet(error: unknown): string {
  if (error instanceof Mismatch) return `The wallet answered with something else: ${error.message}.`;
  const { code, message } = (typeof error === "object" && error !== null ? error : {}) as { code?: unknown; message?: unknown };
  switch (code) {
    case 4001:
      return "You declined in your wallet. Nothing was signed; you can try again.";
    case 4100:
      return "Your wallet did not let this page see the account. Allow it there, then try again.";
    case 4200:
      return "This wallet cannot sign typed data (eth_signTypedData_v4). Use another one.";
    case 4902:
      return "Your wallet does not know this chain. Add it there, then try again.";
    case -32002:
      return "Your wallet has a request open already. Look at it, then try again.";
    default:
      return `The wallet says: ${String(message ?? error).slice(0, 200)}`;
  }
}

/** The client's shares: kept in the storage of this frame's origin, where the page around it cannot reach. */

export type Curve = "SECP256K1" | "ED25519";
export interface Share {
  share: string;
  id: string;
}
export type Shares = Record<Curve, Share>;

export const CURVES: readonly Curve[] = ["SECP256K1", "ED25519"];
const NAME = "valetkey-portal-shares/";

/** Return the shares of a client that are here, or null. */
export function held(clientId: string): Shares | null {
  const text = localStorage.getItem(NAME + clientId);
  return text === null ? null : asShares(JSON.parse(text));
}

/** Keep the shares of a client in the place of what was here. */
export function hold(clientId: string, shares: Shares): void {
  localStorage.setItem(NAME + clientId, JSON.stringify(shares));
}

/** Forget the shares of a client: they are gone, unless it has a backup. */
export function forget(clientId: string): void {
  localStorage.removeItem(NAME + clientId);
}

/** Return *value* if it is a share for each curve. */
export function asShares(value: unknown): Shares {
  const found = value as Partial<Shares> | null;
  for (const curve of CURVES) {
    const one = found?.[curve];
    if (typeof one?.share !== "string" || typeof one.id !== "string") {
      throw new Error(`expected a share for ${CURVES.join(" and ")}`);
    }
  }
  return found as Shares;
}

// The worst case, worked out again: each number that the server prints must be what the caps come to.
import { Mismatch, hex } from "./bytes.ts";
import { assetOf, isKnown } from "./lower.ts";
import type { Bound, Cap, Consent, Permission } from "./wire.ts";

/** Throw Mismatch if a number is not what the caps come to, or something that can move is not among them. */
export function checkBounds(consent: Consent): void {
  const { permission } = consent;
  const { bounds, others } = consent.worst_case;
  for (const bound of bounds) if (bound.amount !== null) checkBound(bound, permission);
  const said = new Set(bounds.map((bound) => bound.asset.toLowerCase()));
  const expectSaid = (asset: string) => {
    if (!said.has(asset)) throw new Mismatch(`the worst case does not name ${asset}, which can move`);
  };
  const expectOpaque = (target: string) => {
    if (!others.some((reason) => reason.toLowerCase().includes(target))) {
      throw new Mismatch(`the worst case does not say what ${target} may do with the account's approvals`);
    }
  };
  for (const rule of permission.rules) {
    if (rule.payable || rule.selector === null) expectSaid("native");
    if (rule.selector !== null) (isKnown(rule.selector) ? expectSaid : expectOpaque)(hex(rule.target, 20));
  }
  for (const rule of permission.wide_rules) {
    if (rule.payable) expectSaid("native");
    expectOpaque(rule.target === "anything" ? "any contract" : hex(rule.target, 20));
  }
  if (others.length > 0 && bounds.some((bound) => bound.asset !== "native" && bound.amount !== null)) {
    throw new Mismatch("the worst case bounds a token although a contract may use the account's approvals");
  }
}

function checkBound(bound: Bound, permission: Permission): void {
  const cap = permission.caps.find((one) => assetOf(one) === bound.asset.toLowerCase());
  const most = cap === undefined ? null : mostOf(cap, permission);
  if (most === null || BigInt(bound.amount ?? 0) !== most) {
    throw new Mismatch(`the worst case of ${bound.asset}: this page works out ${most ?? "no limit"}, the server says ${bound.amount}`);
  }
  if (cap?.decimals !== bound.decimals) throw new Mismatch(`the decimals of ${bound.asset} are not those of its cap`);
}

function mostOf(cap: Cap, permission: Permission): bigint | null {
  const found: bigint[] = [];
  if (cap.lifetime !== null) found.push(BigInt(cap.lifetime));
  if (cap.window !== null) found.push(BigInt(cap.window.limit) * windows(permission, cap.window.window_s));
  const calls = mostCalls(permission);
  if (cap.per_call !== null && calls !== null) found.push(BigInt(cap.per_call) * calls);
  return least(found);
}

function mostCalls(permission: Permission): bigint | null {
  const found: bigint[] = [];
  if (permission.max_calls !== null) found.push(BigInt(permission.max_calls));
  const { rate } = permission;
  if (rate !== null) found.push(BigInt(rate.calls) * windows(permission, rate.window_s));
  return least(found);
}

function windows(permission: Permission, seconds: number): bigint {
  return BigInt(Math.ceil((permission.expires_at - permission.starts_at) / seconds));
}

function least(found: bigint[]): bigint | null {
  return found.reduce<bigint | null>((low, one) => (low === null || one < low ? one : low), null);
}

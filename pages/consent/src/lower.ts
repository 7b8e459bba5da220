// The permission as the account's contract is to check it: caps and recipients folded into the rules.
// The same as core/permission/lower.py and compile.py of the server, written a second time on purpose: what the
// owner signs is made here from the permission that the page shows, and the server's version is only compared.
import { type Hex, Mismatch, hex, selectorOf, uint } from "./bytes.ts";
import type { Cap, Constraint, Permission, Rule, WideRule } from "./wire.ts";

export const NATIVE = 0x3f;

export interface SignedConstraint { argument: number; operator: string; values: Hex[] }
export interface SignedRule {
  kind: "call" | "send" | "any selector" | "any call";
  target: Hex;
  selector: Hex;
  meters: { argument: number; cap: number }[];
  constraints: SignedConstraint[];
}
export interface SignedCap { asset: string; limit: bigint; window: number }

interface Effect { amount: number; recipient: number }
const EFFECTS = new Map<Hex, Effect>([
  [selectorOf("transfer(address,uint256)"), { amount: 1, recipient: 0 }],
  [selectorOf("transferFrom(address,address,uint256)"), { amount: 2, recipient: 1 }],
  [selectorOf("approve(address,uint256)"), { amount: 1, recipient: 0 }],
  [selectorOf("increaseAllowance(address,uint256)"), { amount: 1, recipient: 0 }],
]);

const NO_TARGET: Hex = `0x${"00".repeat(20)}`;
const NO_SELECTOR: Hex = "0x00000000";

/** Say whether what a function does to tokens is known, so that caps count it. */
export function isKnown(selector: string): boolean {
  return EFFECTS.has(hex(selector, 4));
}

/** Return the counters of the caps, in their order: for life, then by the window. */
export function lowerCaps(permission: Permission): SignedCap[] {
  return permission.caps.flatMap((cap) => {
    const found: SignedCap[] = [];
    if (cap.lifetime !== null) found.push({ asset: assetOf(cap), limit: BigInt(cap.lifetime), window: 0 });
    if (cap.window !== null) {
      found.push({ asset: assetOf(cap), limit: BigInt(cap.window.limit), window: cap.window.window_s });
    }
    return found;
  });
}

/** Return every rule with what bounds it, wide rules behind the others. */
export function lowerRules(permission: Permission): SignedRule[] {
  const caps = lowerCaps(permission);
  return [
    ...permission.rules.map((rule) => lowerRule(rule, permission, caps)),
    ...permission.wide_rules.map((rule) => lowerWide(rule, permission, caps)),
  ];
}

export function assetOf(cap: Cap): string {
  return cap.asset === "native" ? "native" : hex(cap.asset, 20);
}

/** Return the selector of a rule, which must be the one of the function that is said beside it. */
export function selectorIn(rule: Rule): Hex | null {
  if (rule.selector === null) return null;
  const selector = hex(rule.selector, 4);
  if (rule.function !== null && selectorOf(rule.function) !== selector) {
    throw new Mismatch(`the function ${rule.function} is ${selectorOf(rule.function)}, not ${selector}`);
  }
  return selector;
}

function lowerRule(rule: Rule, permission: Permission, caps: SignedCap[]): SignedRule {
  const target = hex(rule.target, 20);
  const selector = selectorIn(rule);
  const constraints = rule.where.map(signedConstraint);
  const meters: SignedRule["meters"] = [];
  const effect = selector === null ? undefined : EFFECTS.get(selector);
  if (effect !== undefined) {
    constraints.push(...recipientCheck(effect, permission), ...perCall(target, effect.amount, permission));
    meters.push(...metersOf(target, effect.amount, caps));
  }
  if (rule.payable || selector === null) {
    constraints.push(...perCall("native", NATIVE, permission));
    meters.push(...metersOf("native", NATIVE, caps));
  }
  return { kind: selector === null ? "send" : "call", target, selector: selector ?? NO_SELECTOR, meters, constraints };
}

function lowerWide(rule: WideRule, permission: Permission, caps: SignedCap[]): SignedRule {
  const isAny = rule.target === "anything";
  return {
    kind: isAny ? "any call" : "any selector",
    target: isAny ? NO_TARGET : hex(rule.target, 20),
    selector: NO_SELECTOR,
    meters: rule.payable ? metersOf("native", NATIVE, caps) : [],
    constraints: rule.payable ? perCall("native", NATIVE, permission) : [],
  };
}

function signedConstraint(one: Constraint): SignedConstraint {
  return { argument: one.argument, operator: one.operator, values: one.values.map(word) };
}

/** Return a word of an argument: 32 bytes, an address or a decimal integer. */
function word(text: string): Hex {
  return uint(BigInt(text), 32);
}

function recipientCheck(effect: Effect, permission: Permission): SignedConstraint[] {
  const { recipients } = permission;
  if (recipients === "anything") return [];
  const values = recipients.map(word);
  return [{ argument: effect.recipient, operator: values.length === 1 ? "equals" : "one of", values }];
}

function perCall(asset: string, argument: number, permission: Permission): SignedConstraint[] {
  const cap = permission.caps.find((one) => assetOf(one) === asset && one.per_call !== null);
  return cap?.per_call ? [{ argument, operator: "at most", values: [word(cap.per_call)] }] : [];
}

function metersOf(asset: string, argument: number, caps: SignedCap[]): SignedRule["meters"] {
  return caps.flatMap((cap, index) => (cap.asset === asset ? [{ argument, cap: index }] : []));
}

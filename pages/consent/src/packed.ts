// The grant as the bytes that its id is the hash of (docs/reference/grant-format.md, version 1).
import { type Hex, Mismatch, concat, keccak, size, uint } from "./bytes.ts";
import { NATIVE, type SignedCap, type SignedConstraint, type SignedRule } from "./lower.ts";

export const MAX_LISTED_RULES = 8;

export interface Grant {
  key: Hex;
  salt: bigint;
  startsAt: number;
  expiresAt: number;
  maxCalls: number;
  relayer: Hex | null;
  caps: SignedCap[];
  rules: SignedRule[];
}

const KINDS = ["call", "send", "any selector", "any call"];
const OPERATORS = ["equals", "one of", "at most"];

/** Say whether the rules are in a tree, of which the owner signs the root. */
export function isInTree(rules: SignedRule[]): boolean {
  return rules.length > MAX_LISTED_RULES && !rules.some((rule) => rule.kind.startsWith("any"));
}

/** Return the 32 bytes under which the chain knows the grant. */
export function grantId(grant: Grant): Hex {
  const { rules } = grant;
  const behind = isInTree(rules) ? rootOf(rules) : concat(uint(rules.length, 1), ...rules.map(encodeRule));
  return keccak(concat(terms(grant), behind));
}

/** Return the root of the tree of the rules. */
export function rootOf(rules: SignedRule[]): Hex {
  let level = rules.map((rule) => keccak(concat("0x00", encodeRule(rule))));
  while (level.length > 1) {
    const above: Hex[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const [one, other] = level.slice(at, at + 2);
      if (one !== undefined) above.push(other === undefined ? one : node(one, other));
    }
    level = above;
  }
  return level[0] ?? "0x";
}

function node(one: Hex, other: Hex): Hex {
  return keccak(one < other ? concat("0x01", one, other) : concat("0x01", other, one));
}

function terms(grant: Grant): Hex {
  const bound = grant.relayer === null ? 0 : 1;
  return concat(
    "0x01",
    keyType(grant.key),
    grant.key,
    uint(grant.salt, 4),
    uint(grant.startsAt, 5),
    uint(grant.expiresAt, 5),
    uint(grant.maxCalls, 4),
    uint(bound | (isInTree(grant.rules) ? 2 : 0), 1),
    grant.relayer ?? "0x",
    uint(grant.caps.length, 1),
    ...grant.caps.map((cap) => concat(uint(cap.limit, 16), uint(cap.window, 4))),
  );
}

function keyType(key: Hex): Hex {
  if (size(key) === 20) return "0x00";
  if (size(key) === 64) return "0x01";
  throw new Mismatch(`a session key of ${size(key)} bytes`);
}

function encodeRule(rule: SignedRule): Hex {
  const carriesValue = rule.meters.some((meter) => meter.argument === NATIVE);
  const count = rule.constraints.length + rule.meters.length;
  const head = (KINDS.indexOf(rule.kind) << 6) | (carriesValue ? 1 << 5 : 0) | count;
  if (count > 31) throw new Mismatch(`a rule with ${count} checks`);
  const body = concat(
    uint(head, 1),
    rule.target,
    rule.kind === "call" ? rule.selector : "0x",
    ...rule.constraints.map(encodeConstraint),
    ...rule.meters.map((meter) => concat(uint((3 << 6) | meter.argument, 1), uint(meter.cap, 1))),
  );
  return concat(uint(size(body), 2), body);
}

function encodeConstraint(constraint: SignedConstraint): Hex {
  const operator = OPERATORS.indexOf(constraint.operator);
  if (operator < 0) throw new Mismatch(`an operator ${constraint.operator}`);
  const values = constraint.values.map((value) => BigInt(value));
  const digits = values.reduce((most, value) => Math.max(most, value.toString(16).length), 1);
  const length = Math.ceil(digits / 2);
  return concat(
    uint((operator << 6) | constraint.argument, 1),
    uint(length, 1),
    constraint.operator === "one of" ? uint(values.length, 1) : "0x",
    ...values.map((value) => uint(value, length)),
  );
}

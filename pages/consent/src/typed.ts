// What the wallet is asked to sign, made here; and the first place at which the server's version differs.
import { type Hex, Mismatch, hex, uint } from "./bytes.ts";
import { lowerCaps, lowerRules } from "./lower.ts";
import { type Grant, grantId, isInTree, rootOf } from "./packed.ts";
import type { Consent, TypedData } from "./wire.ts";

const NO_CALL_LIMIT = 0xffffffff;
const ZERO: Hex = `0x${"00".repeat(20)}`;
const NO_ROOT: Hex = `0x${"00".repeat(32)}`;

const fields = (text: string) =>
  text.split(",").map((part) => {
    const [type = "", name = ""] = part.split(" ");
    return { name, type };
  });

const DOMAIN = fields("string name,string version,uint256 chainId,address verifyingContract");
const GRANT_TYPES = {
  EIP712Domain: DOMAIN,
  Grant: fields(
    "bytes key,uint32 salt,uint64 epoch,uint40 startsAt,uint40 expiresAt,uint32 maxCalls," +
      "address relayer,Cap[] caps,Rule[] rules,bytes32 rulesRoot",
  ),
  Cap: fields("uint128 limit,uint32 window"),
  Rule: fields("string kind,address target,bytes4 selector,Meter[] meters,Constraint[] constraints"),
  Meter: fields("uint8 argument,uint8 cap"),
  Constraint: fields("uint8 argument,string operator,bytes32[] values"),
};
const REVOKE_TYPES = { EIP712Domain: DOMAIN, Revoke: fields("bytes32 grant") };

export interface ToSign { grant: TypedData; killNote: TypedData; grantId: Hex; parts: Grant }

/**
 * Return what the owner of the account signs for the permission that is shown.
 *
 * Salt and epoch are the server's to choose: they give no power. Throws Mismatch if the server wants anything else
 * signed than this.
 */
export function toSign(consent: Consent): ToSign {
  const { permission } = consent;
  const same: [string, unknown, unknown][] = [
    ["chain", `eip155:${consent.chain_id}`, consent.chain],
    ["permission.chain", consent.chain, permission.chain],
    ["permission.starts_at", consent.starts_at, permission.starts_at],
    ["permission.expires_at", consent.expires_at, permission.expires_at],
  ];
  for (const [place, own, given] of same) expectSame(place, own, given);
  const parts: Grant = {
    key: hex(consent.session_key),
    salt: BigInt(String(consent.grant.message["salt"])),
    startsAt: permission.starts_at,
    expiresAt: permission.expires_at,
    maxCalls: permission.max_calls ?? NO_CALL_LIMIT,
    relayer: permission.relayer === null ? null : hex(permission.relayer, 20),
    caps: lowerCaps(permission),
    rules: lowerRules(permission),
  };
  const domain = { name: "valetkey", version: "1", chainId: consent.chain_id, verifyingContract: hex(consent.account, 20) };
  const epoch = uint(BigInt(String(consent.grant.message["epoch"])), 8);
  const grant: TypedData = { types: GRANT_TYPES, primaryType: "Grant", domain, message: message(parts, BigInt(epoch)) };
  expectSame("grant", grant, consent.grant);
  const id = grantId(parts);
  const killNote: TypedData = { types: REVOKE_TYPES, primaryType: "Revoke", domain, message: { grant: id } };
  expectSame("kill note", killNote, consent.kill_note);
  return { grant, killNote, grantId: id, parts };
}

function message(grant: Grant, epoch: bigint): Record<string, unknown> {
  const inTree = isInTree(grant.rules);
  return {
    key: grant.key,
    salt: String(grant.salt),
    epoch: String(epoch),
    startsAt: String(grant.startsAt),
    expiresAt: String(grant.expiresAt),
    maxCalls: String(grant.maxCalls),
    relayer: grant.relayer ?? ZERO,
    caps: grant.caps.map((cap) => ({ limit: String(cap.limit), window: String(cap.window) })),
    rules: inTree ? [] : grant.rules.map(ruleMessage),
    rulesRoot: inTree ? rootOf(grant.rules) : NO_ROOT,
  };
}

function ruleMessage(rule: Grant["rules"][number]): Record<string, unknown> {
  return {
    kind: rule.kind,
    target: rule.target,
    selector: rule.selector,
    meters: rule.meters.map((meter) => ({ argument: String(meter.argument), cap: String(meter.cap) })),
    constraints: rule.constraints.map((one) => ({ ...one, argument: String(one.argument) })),
  };
}

/** Throw Mismatch at the first place where what the server gave is not what was made here. */
export function expectSame(place: string, own: unknown, given: unknown): void {
  if (isObject(own) && isObject(given)) {
    const names = new Set([...Object.keys(own), ...Object.keys(given)]);
    for (const name of names) expectSame(`${place}.${name}`, own[name], given[name]);
  } else if (own !== given) {
    throw new Mismatch(`${place}: this page works out ${show(own)}, the server wants ${show(given)} signed`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function show(value: unknown): string {
  return (isObject(value) ? JSON.stringify(value) : String(value)).slice(0, 120);
}

// Accounts that a factory makes: their owner, and how what is for them gets there (docs/reference/accounts.md, "Clones").
import { type Hex, Mismatch, concat, hex, keccak, selectorOf, size, uint } from "./bytes.ts";
import type { Consent } from "./wire.ts";

export interface Clone {
  factory: string;
  implementation: string;
  owner: string;
  salt: string;
  personal: boolean;
}

const PERSONAL = 1n << 224n;

/** Return whose wallet signs: the account itself, or the owner from whom a clone's address follows. */
export function ownerOf(consent: Consent): Hex {
  const account = hex(consent.account, 20);
  if (consent.clone === null) return account;
  if (addressOf(consent.clone) !== account) throw new Mismatch("the account is not where its owner's clone is");
  return hex(consent.clone.owner, 20);
}

/** Return where a transaction goes that is for the account, and what it carries. */
export function carried(consent: Consent, act: Hex): { to: Hex; calldata: Hex } {
  const { clone } = consent;
  if (clone === null) return { to: hex(consent.account, 20), calldata: act };
  const calldata = concat(
    selectorOf("deploy(address,uint8,bytes32,bytes)"),
    padded(clone.owner),
    uint(clone.personal ? 1 : 0, 32),
    hex(clone.salt, 32),
    uint(128, 32),
    uint(size(act), 32),
    act,
    `0x${"00".repeat((32 - (size(act) % 32)) % 32)}`,
  );
  return { to: hex(clone.factory, 20), calldata };
}

function addressOf(clone: Clone): Hex {
  const word = uint(BigInt(hex(clone.owner, 20)) + (clone.personal ? PERSONAL : 0n), 32);
  const code = concat(
    "0x7f",
    word,
    "0x7f",
    OWNER_SLOT,
    "0x553d602d80604d3d3981f3363d3d373d3d3d363d73",
    hex(clone.implementation, 20),
    "0x5af43d82803e903d91602b57fd5bf3",
  );
  return `0x${keccak(concat("0xff", hex(clone.factory, 20), hex(clone.salt, 32), keccak(code))).slice(-40)}`;
}

// 257 behind the ERC-7201 base of valetkey.account.v1.
const OWNER_SLOT: Hex = "0x6fa84904f7c3c67d1aaac4fc5a9d5a3d8f1e523aaffdde0cf8db74d72692b301";

function padded(address: string): Hex {
  return uint(BigInt(hex(address, 20)), 32);
}

/** Keys on secp256k1, as accounts on EVM chains have them. */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { type Bytes, toHex, utf8 } from "./bytes.ts";

const DIGEST = 32;
const V_OFFSET = 27;

/** Return a new private key. */
export function makeKey(): Bytes {
  return Uint8Array.from(secp256k1.utils.randomSecretKey());
}

/** Return *secret* if it can be a private key. */
export function checkKey(secret: Bytes): Bytes {
  if (!secp256k1.utils.isValidSecretKey(secret)) throw new Error("expected a private key on secp256k1");
  return secret;
}

/** Return the address of a key, in lower case. */
export function addressOf(secret: Uint8Array): string {
  return toHex(keccak_256(secp256k1.getPublicKey(secret, false).slice(1)).slice(-20));
}

/** Return the signature over 32 bytes: r, s and v (27 or 28). */
export function signDigest(secret: Uint8Array, digest: Uint8Array): string {
  if (digest.length !== DIGEST) throw new Error(`expected a digest of ${DIGEST} bytes, got ${digest.length}`);
  const made = secp256k1.sign(digest, secret, { prehash: false, format: "recovered" });
  return toHex(Uint8Array.of(...made.slice(1), V_OFFSET + (made[0] ?? 0)));
}

/** Return what a wallet signs for a message (EIP-191). */
export function messageDigest(message: Uint8Array): Uint8Array {
  const head = utf8(`\x19Ethereum Signed Message:\n${message.length}`);
  return keccak_256(Uint8Array.of(...head, ...message));
}

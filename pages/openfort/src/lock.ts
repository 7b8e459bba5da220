/**
 * Keys are locked under what their user knows (a password), or what the user's app keeps for them (an encryption
 * session). Two secrets are made of it: one encrypts, and never leaves this frame; the other proves to the server that
 * whoever asks knows it, before it gives the blob out. So the server counts wrong tries, and cannot read the key.
 */
import { scryptAsync } from "@noble/hashes/scrypt.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { type Bytes, fromBase64, fromHex, toBase64, utf8 } from "./bytes.ts";

/** What a key is locked under, as the server and the SDK call it. */
export type Lock = "password" | "automatic";

export interface Entropy {
  lock: Lock;
  text: string;
}

/** What one entropy makes for one key. */
export interface Secrets {
  wrap: CryptoKey;
  proof: Bytes;
}

/** What the SDK says when something that unlocks is missing or wrong; it knows these texts alone. */
export const MISSING: Readonly<Record<Lock, string>> = {
  password: "missing-user-entropy-error",
  automatic: "missing-project-entropy-error",
};
export const INCORRECT = "incorrect-user-entropy-error";

// Fixed: a server that could choose them could choose weak ones. 128 MiB for each guess of a password.
const SCRYPT = { N: 2 ** 17, r: 8, p: 1, dkLen: 32, maxmem: 2 ** 28 };
const LEAST_SESSION = 32; // characters: nobody chose it, so it is not stretched, and must be no password
const LEAST_PASSWORD = 1;
const IV_BYTES = 12;
const SECRET_BYTES = 32;

/** Return what the request brings to lock or unlock with; null if it brings nothing. */
export function entropyOf(password: unknown, session: unknown): Entropy | null {
  if (typeof password === "string" && password.length >= LEAST_PASSWORD) return { lock: "password", text: password };
  if (typeof session !== "string" || session === "") return null;
  if (session.length < LEAST_SESSION) {
    throw new Error(`encryptionSession: expected at least ${LEAST_SESSION} random characters, always the same for a user`);
  }
  return { lock: "automatic", text: session };
}

/** Return the two secrets that *entropy* makes for the key of *address*. */
export async function secretsOf(entropy: Entropy, address: string): Promise<Secrets> {
  const salt = Uint8Array.from(sha256(Uint8Array.of(...utf8("valetkey locked key"), ...fromHex(address, 20))));
  const text = utf8(entropy.text.normalize("NFKC"));
  const root = entropy.lock === "password" ? Uint8Array.from(await scryptAsync(text, salt, SCRYPT)) : text;
  const from = await crypto.subtle.importKey("raw", root, "HKDF", false, ["deriveKey", "deriveBits"]);
  const how = (info: string) => ({ name: "HKDF", hash: "SHA-256", salt, info: utf8(info) });
  const wrap = await crypto.subtle.deriveKey(how("wrap"), from, { name: "AES-GCM", length: 256 }, false, [
    "encrypt",
    "decrypt",
  ]);
  const proof = await crypto.subtle.deriveBits(how("proof"), from, 8 * SECRET_BYTES);
  return { wrap, proof: new Uint8Array(proof) };
}

/** Return *secret*, encrypted: to be opened with the same *wrap* and *address* alone. */
export async function seal(secret: Bytes, wrap: CryptoKey, address: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const how = { name: "AES-GCM", iv, additionalData: fromHex(address, 20) };
  const data = new Uint8Array(await crypto.subtle.encrypt(how, wrap, secret));
  return toBase64(Uint8Array.of(...iv, ...data));
}

/** Return what was sealed. */
export async function open(blob: string, wrap: CryptoKey, address: string): Promise<Bytes> {
  const bytes = fromBase64(blob);
  const how = { name: "AES-GCM", iv: bytes.slice(0, IV_BYTES), additionalData: fromHex(address, 20) };
  return new Uint8Array(await crypto.subtle.decrypt(how, wrap, bytes.slice(IV_BYTES)));
}

/** Return what the key signs so that the server keeps *blob* for a user, and replaces it for nobody else. */
export function toSign(userId: string, lock: Lock, blob: string, proof: Uint8Array): string {
  const written = Array.from(proof, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const mark = Array.from(sha256(utf8(`${blob}\n${written}`)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `valetkey keeps this key for ${userId}, locked by ${lock}: ${mark}`;
}

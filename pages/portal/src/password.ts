/** Backup shares behind a password: PBKDF2 with SHA-256, then AES-256-GCM; the server sees none of it. */

const ITERATIONS = 1_000_000;
const MOST_ITERATIONS = 10_000_000;
const SALT_BYTES = 16;
const IV_BYTES = 12;

interface Sealed {
  v: 1;
  iterations: number;
  salt: string;
  iv: string;
  data: string;
}

/** Return *text*, to be opened with *password* alone. */
export async function seal(text: string, password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const key = await keyOf(password, salt, ITERATIONS);
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, new TextEncoder().encode(text));
  const sealed: Sealed = { v: 1, iterations: ITERATIONS, salt: toText(salt), iv: toText(iv), data: toText(new Uint8Array(data)) };
  return btoa(JSON.stringify(sealed));
}

/** Return what was sealed; fails with another password. */
export async function open(text: string, password: string): Promise<string> {
  const sealed = JSON.parse(atob(text)) as Sealed;
  if (sealed.v !== 1 || sealed.iterations > MOST_ITERATIONS) throw new Error("expected a backup of this page");
  const key = await keyOf(password, toBytes(sealed.salt), sealed.iterations);
  const data = await crypto.subtle.decrypt({ name: "AES-GCM", iv: toBytes(sealed.iv) }, key, toBytes(sealed.data));
  return new TextDecoder().decode(data);
}

async function keyOf(password: string, salt: Uint8Array<ArrayBuffer>, iterations: number): Promise<CryptoKey> {
  const raw = await crypto.subtle.importKey("raw", new TextEncoder().encode(password), "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return crypto.subtle.deriveKey(how, raw, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

function toText(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function toBytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

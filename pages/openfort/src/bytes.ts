/** Bytes and how they are written. */

export type Bytes = Uint8Array<ArrayBuffer>;

const HEX = /^0x(?:[0-9a-fA-F]{2})*$/;

export function toHex(bytes: Uint8Array): string {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Return what *text* writes; fails if it is no hex, or of another length than *count* bytes. */
export function fromHex(text: string, count?: number): Bytes {
  if (!HEX.test(text) || (count !== undefined && text.length !== 2 + 2 * count)) {
    throw new Error(`expected 0x and ${count ?? "whole"} bytes in hex`);
  }
  return Uint8Array.from(text.slice(2).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

export function fromBase64(text: string): Bytes {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

// Bytes as text of 0x and lower-case hex: what the page compares, hashes and puts together.
import { keccak_256 } from "@noble/hashes/sha3.js";

export type Hex = `0x${string}`;

export class Mismatch extends Error {}

/** Return text as bytes in hex, of so many bytes if told. */
export function hex(text: unknown, count?: number): Hex {
  if (typeof text !== "string" || !/^0x([0-9a-fA-F]{2})*$/.test(text)) throw new Mismatch(`not bytes: ${String(text)}`);
  if (count !== undefined && text.length !== 2 + 2 * count) throw new Mismatch(`not ${count} bytes: ${text}`);
  return text.toLowerCase() as Hex;
}

/** Return a number in so many bytes, the highest first. */
export function uint(value: bigint | number, bytes: number): Hex {
  const number = BigInt(value);
  if (number < 0n || number >= 1n << BigInt(8 * bytes)) throw new Mismatch(`${number} is not a number of ${bytes} bytes`);
  return `0x${number.toString(16).padStart(2 * bytes, "0")}`;
}

export function concat(...parts: Hex[]): Hex {
  return `0x${parts.map((part) => part.slice(2)).join("")}`;
}

export function size(data: Hex): number {
  return (data.length - 2) / 2;
}

export function keccak(data: Hex): Hex {
  const bytes = Uint8Array.from({ length: size(data) }, (_, at) => parseInt(data.slice(2 + 2 * at, 4 + 2 * at), 16));
  return fromBytes(keccak_256(bytes));
}

/** Return the four bytes that name a function, such as transfer(address,uint256). */
export function selectorOf(signature: string): Hex {
  return fromBytes(keccak_256(new TextEncoder().encode(signature))).slice(0, 10) as Hex;
}

function fromBytes(bytes: Uint8Array): Hex {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

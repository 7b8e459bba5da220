// Another library's FROST, told what to do line by line: bytes are hex, nonces go both ways.
import { createInterface } from "node:readline";
import { ed25519, ed25519_FROST as frost } from "@noble/curves/ed25519.js";

const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (data) => Buffer.from(data).toString("hex");
const map = (told, change) =>
  Object.fromEntries(Object.entries(told).map(([name, one]) => [name, change(one)]));
const commitment = ({ identifier, hiding, binding }) => ({
  identifier,
  hiding: bytes(hiding),
  binding: bytes(binding),
});
const group = ({ commitments, shares }) => ({
  signers: { min: 2, max: Math.max(2, Object.keys(shares).length) },
  commitments: commitments.map(bytes),
  verifyingShares: map(shares, bytes),
});
const secret = ({ identifier, share }) => ({ identifier, signingShare: bytes(share) });

const VERBS = {
  deal({ count }) {
    const names = Array.from({ length: count }, (_, at) => frost.Identifier.derive(`signer ${at}`));
    const dealt = frost.trustedDealer({ min: 2, max: count }, names);
    return {
      public_key: hex(dealt.public.commitments[0]),
      commitments: dealt.public.commitments.map(hex),
      shares: map(dealt.secretShares, (one) => hex(one.signingShare)),
      verifying: map(dealt.public.verifyingShares, hex),
    };
  },
  commit({ signer }) {
    const made = frost.commit(secret(signer));
    return { nonces: map(made.nonces, hex), ...map(made.commitments, (one) => (typeof one === "string" ? one : hex(one))) };
  },
  sign({ signer, group: told, nonces, commitments, message }) {
    const list = commitments.map(commitment);
    return hex(frost.signShare(secret(signer), group(told), map(nonces, bytes), list, bytes(message)));
  },
  check({ group: told, commitments, message, identifier, share }) {
    const list = commitments.map(commitment);
    return frost.verifyShare(group(told), list, bytes(message), identifier, bytes(share));
  },
  aggregate({ group: told, commitments, message, shares }) {
    const list = commitments.map(commitment);
    return hex(frost.aggregate(group(told), list, bytes(message), map(shares, bytes)));
  },
  verify({ signature, message, public_key: key }) {
    const given = [bytes(signature), bytes(message), bytes(key)];
    return frost.verify(...given) && ed25519.verify(...given);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { verb, told } = JSON.parse(line);
  let answer;
  try {
    answer = { told: VERBS[verb](told) };
  } catch (error) {
    answer = { error: String(error.message) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

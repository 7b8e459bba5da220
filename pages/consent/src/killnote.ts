// The kill note as a file: made here from the owner's signature, so that no server has to hand it out.
import { type Hex, concat, hex, selectorOf, size, uint } from "./bytes.ts";
import { carried } from "./clone.ts";
import type { ToSign } from "./typed.ts";
import type { Consent } from "./wire.ts";

/** Return the file that `valetkey kill` takes: calldata that ends the session, whoever sends it. */
export function killNote(consent: Consent, signed: ToSign, signature: Hex): string {
  const { to, calldata } = carried(consent, revokeSigned(signed.grantId, signature));
  const note = {
    version: 1,
    session_id: consent.session_id,
    chain: consent.chain,
    chain_id: consent.chain_id,
    account: hex(consent.account, 20),
    grant_id: signed.grantId,
    calldata,
    text:
      `This ends session ${consent.session_id} on ${consent.chain} for good, without any server. Send a transaction ` +
      `with this calldata to ${to}, from any address, through any node; \`valetkey kill\` does it with this file.`,
    clone: consent.clone,
  };
  return `${JSON.stringify(note, null, 2)}\n`;
}

/** Return revokeSigned(bytes32,bytes) as the account's contract takes it. */
function revokeSigned(grantId: Hex, signature: Hex): Hex {
  const padding = (32 - (size(signature) % 32)) % 32;
  return concat(
    selectorOf("revokeSigned(bytes32,bytes)"),
    grantId,
    uint(64, 32),
    uint(size(signature), 32),
    signature,
    `0x${"00".repeat(padding)}`,
  );
}

/** Let the browser save text as a file. */
export function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

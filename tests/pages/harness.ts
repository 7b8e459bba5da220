// Lets a test ask the page's own code what it would have signed: one consent a line, one answer a line.
import { createInterface } from "node:readline";
import { checkBounds } from "../../pages/consent/src/bounds.ts";
import { ownerOf } from "../../pages/consent/src/clone.ts";
import { killNote } from "../../pages/consent/src/killnote.ts";
import { toSign } from "../../pages/consent/src/typed.ts";

for await (const line of createInterface({ input: process.stdin })) {
  const consent = JSON.parse(line);
  let told;
  try {
    const { grant, killNote: kill, grantId } = toSign(consent);
    checkBounds(consent);
    told = { grant, kill_note: kill, grant_id: grantId, owner: ownerOf(consent), note: JSON.parse(killNote(consent, toSign(consent), `0x${"11".repeat(65)}`)) };
  } catch (error) {
    told = { refused: String(error) };
  }
  console.log(JSON.stringify(told));
}

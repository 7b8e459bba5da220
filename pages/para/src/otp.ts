import { ask, busy, part } from "./page.ts";

const query = new URLSearchParams(location.search);
const sessionId = query.get("sessionId") ?? "";
const code = part<HTMLInputElement>("code");

async function enter(): Promise<void> {
  const encryptionKey = query.get("encryptionKey") ?? "";
  await ask("otp/code", { sessionId, code: code.value, encryptionKey });
  part("form").hidden = true;
  part("again").hidden = true;
  part("done").hidden = false;
  window.close();
}

async function again(): Promise<void> {
  await ask("otp/again", { sessionId });
  code.value = "";
  code.focus();
}

part("address").textContent = query.get("email") ?? "your address";
part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  void busy(enter);
});
part("again").addEventListener("click", () => void busy(again));
code.focus();

import { ask, busy, part } from "./page.ts";

interface Review {
  readonly asks: string;
  readonly wallet: string;
  readonly shown: Readonly<Record<string, string>>;
}

const NAMES: Readonly<Record<string, string>> = {
  asks: "Who asks",
  wallet: "Signed by your wallet",
  kind: "What",
  chain: "Chain",
  to: "To",
  value_wei: "Amount, in the coin of the chain",
  data: "Data",
  most_fee_wei: "Fee at most, in the coin of the chain",
  text: "Text",
  digest: "Digest",
};
const KINDS: Readonly<Record<string, string>> = {
  transaction: "A transaction",
  message: "A message",
  digest: "A digest, which nobody can read",
};
const COIN_DIGITS = 18;
const code = part<HTMLInputElement>("code");
const ROOT = "../../../../review/";
const asked = {
  reviewId: location.pathname.split("/").at(-1) ?? "",
  sessionId: new URLSearchParams(location.search).get("sessionId") ?? "",
};

/** Return *value* of the field *name* as a person reads it. */
function readable(name: string, value: string): string {
  if (name === "kind") return KINDS[value] ?? value;
  if (name === "data" && value === "0x") return "none";
  return name.endsWith("_wei") ? inCoins(value) : value;
}

function inCoins(wei: string): string {
  const digits = wei.padStart(COIN_DIGITS + 1, "0");
  const rest = digits.slice(-COIN_DIGITS).replace(/0+$/, "");
  return digits.slice(0, -COIN_DIGITS) + (rest === "" ? "" : `.${rest}`);
}

async function show(): Promise<void> {
  const { asks, wallet, shown } = (await ask(`${ROOT}show`, asked)) as Review;
  part("shown").hidden = false;
  for (const [name, value] of Object.entries({ asks, ...shown, wallet })) {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    const said = document.createElement("dd");
    term.textContent = NAMES[name] ?? name;
    said.textContent = readable(name, value);
    row.append(term, said);
    part("shown").append(row);
    if (said.scrollHeight > said.clientHeight) said.tabIndex = 0; // so that a keyboard scrolls it
  }
  part("said").textContent =
    shown["kind"] === "digest"
      ? "Your signature is asked for over a digest. Nobody can read from it what it is for: approve only what you have just asked for yourself."
      : "Your signature is asked for. Approve only what you have just asked for yourself.";
  part("asking").hidden = false;
  part("deny").hidden = false;
}

async function send(): Promise<void> {
  await ask(`${ROOT}send`, asked);
  part("asking").hidden = true;
  part("form").hidden = false;
  code.value = "";
  code.focus();
}

function end(said: string): void {
  for (const id of ["asking", "form", "deny", "shown", "said"]) part(id).hidden = true;
  part("done").textContent = said;
  part("done").hidden = false;
}

async function approve(): Promise<void> {
  await ask(`${ROOT}approve`, { ...asked, code: code.value });
  end("Approved. This window can be closed.");
  window.close();
}

async function deny(): Promise<void> {
  await ask(`${ROOT}deny`, asked);
  end("Denied: nothing was signed. This window can be closed.");
  window.close();
}

part("send").addEventListener("click", () => void busy(send));
part("again").addEventListener("click", () => void busy(send));
part("deny").addEventListener("click", () => void busy(deny));
part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  void busy(approve);
});
void busy(async () => {
  try {
    await show();
  } catch (error) {
    part("said").textContent = "";
    throw error;
  }
});

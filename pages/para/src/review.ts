import { ask, busy, part } from "./page.ts";

const NAMES: Readonly<Record<string, string>> = {
  kind: "What",
  chain: "Chain",
  to: "To",
  value_wei: "Value, in wei",
  data: "Data",
  most_fee_wei: "Most that it costs, in wei",
  text: "Text",
  digest: "Digest",
};
const ROOT = "../../../../review/";
const asked = {
  reviewId: location.pathname.split("/").at(-1) ?? "",
  sessionId: new URLSearchParams(location.search).get("sessionId") ?? "",
};

async function show(): Promise<void> {
  const { shown } = (await ask(`${ROOT}show`, asked)) as { shown: Record<string, string> };
  for (const [name, value] of Object.entries(shown)) {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    const said = document.createElement("dd");
    term.textContent = NAMES[name] ?? name;
    said.textContent = value;
    row.append(term, said);
    part("shown").append(row);
  }
  part("said").textContent =
    shown["kind"] === "digest"
      ? "An application asks for your signature over a digest. Nobody can read from it what it is for: approve only what you have just asked for yourself."
      : "An application asks for your signature. Approve only what you have just asked for yourself.";
  part("shown").hidden = false;
  part("asking").hidden = false;
}

async function send(): Promise<void> {
  await ask(`${ROOT}send`, asked);
  part("asking").hidden = true;
  part("form").hidden = false;
  part("code").focus();
}

function end(said: string): void {
  for (const id of ["asking", "form", "shown", "said"]) part(id).hidden = true;
  part("done").textContent = said;
  part("done").hidden = false;
}

async function approve(): Promise<void> {
  await ask(`${ROOT}approve`, { ...asked, code: part<HTMLInputElement>("code").value });
  end("Approved. This window can be closed.");
  window.close();
}

async function deny(): Promise<void> {
  await ask(`${ROOT}deny`, asked);
  end("Denied: nothing was signed. This window can be closed.");
  window.close();
}

part("send").addEventListener("click", () => void busy(send));
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

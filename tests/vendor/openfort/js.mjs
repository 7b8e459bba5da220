// Openfort's browser SDK, unmodified, in Node: told what to do by lines of JSON. What it asks its frame goes through its
// message poster to `child.mjs`.
//   node js.mjs <our URL> <publishable key> <bundled child>
import net from "node:net";
import { createInterface } from "node:readline";
import { actsOf, told } from "./acts.mjs";

const [, , ours, key, bundled] = process.argv;
const reached = new Set();
const connectSocket = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...args) {
  const first = Array.isArray(args[0]) ? args[0][0] : args[0];
  const options = typeof first === "object" ? first : { host: args[1] };
  reached.add(options.path ?? options.host ?? "localhost");
  return connectSocket.apply(this, args);
};
const { Openfort } = await import("@openfort/openfort-js");
const { child } = await import(bundled);

for (const kind of ["log", "info", "warn", "error", "debug"]) {
  console[kind] = (...said) => process.stderr.write(`${said.join(" ")}\n`);
}

const kept = new Map(); // what the SDK stores in its page
const rows = new Map(); // what the frame keeps on this device
const messages = []; // every message between the two, as text
const storage = {
  get: async (name) => kept.get(name) ?? null,
  save: (name, value) => void kept.set(name, value),
  remove: (name) => void kept.delete(name),
  flush: () => kept.clear(),
};
let outside = ""; // the token of somebody else's, for log-in by it
let openfort;

/** A new page: the frame has forgotten what it had in memory, the device has not. */
function openFrame() {
  const toFrame = child(`${ours}/`, key, rows, (message) => {
    messages.push(JSON.stringify(message));
    openfort.embeddedWallet.onMessage(message);
  });
  openfort.embeddedWallet.setMessagePoster({
    postMessage: (text) => {
      messages.push(text);
      toFrame(JSON.parse(text));
    },
  });
}

const acts = {
  ...actsOf(() => openfort),
  begin({ thirdParty }) {
    openfort = new Openfort({
      baseConfiguration: { publishableKey: key },
      shieldConfiguration: { shieldPublishableKey: "not asked" },
      overrides: { backendUrl: ours, iframeUrl: ours, shieldUrl: "https://shield.invalid", storage },
      thirdPartyAuth: thirdParty && { provider: thirdParty, getAccessToken: async () => outside },
      disableTelemetry: true,
    });
    openFrame();
  },
  reload: openFrame,
  outside: ({ token }) => void (outside = token),
  reached: () => [...reached],
  storage: () => Object.fromEntries(kept),
  messages: () => messages,
  secret: () => [...rows.values()].map((row) => Buffer.from(row.secret).toString("hex")),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { act, ...args } = JSON.parse(line);
  process.stdout.write(`${await told(async () => acts[act](args))}\n`);
}

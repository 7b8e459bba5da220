// Openfort's node SDK, unmodified, told what to do by lines of JSON: {"act": …} in, {"ok": …} or {"error": …} out.
//   node sdk.mjs <version> <our URL> <secret key> <publishable key>
import { generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";

const [, , version, ours, secret, publishable] = process.argv;
const loaded = createRequire(import.meta.url)(`openfort-node-${version}`);
const Openfort = loaded.default ?? loaded;
const isOld = version.startsWith("0.6.");
// Without one the SDK asks nothing of the server about wallets of a backend.
const walletSecret = generateKeyPairSync("ec", { namedCurve: "P-256" })
  .privateKey.export({ format: "der", type: "pkcs8" })
  .toString("base64");

// What it says goes to the log of the test; its answers are lines of their own.
for (const kind of ["log", "info", "warn", "error"]) console[kind] = (...said) => process.stderr.write(`${said.join(" ")}\n`);

const client = () => new Openfort(secret, isOld ? ours : { basePath: ours, publishableKey: publishable, walletSecret });
const openfort = client();

/** The one difference between the generations that a story meets: where an id stands. */
const byId = (id, rest) => (isOld ? [{ id, ...rest }] : [id, rest]);
const oneOf = (id, rest) => (isOld ? [{ id, ...rest }] : [id, ...(Object.keys(rest ?? {}).length ? [rest] : [])]);

/** Call *method*, such as `sessions.create`, with *args* and no more. */
function call(method, args) {
  const names = method.split(".");
  const last = names.pop();
  const owner = names.reduce((found, name) => found[name], names[0] === "accountsV2" ? client() : openfort);
  return owner[last](...args);
}

const HIDDEN = new Set(["constructor", "observers", "subscribe", "api", "apiWrappers", "apiKey", "basePath"]);
const INNER = new Set(["getOrCreateWrapper", "getWrapperKey"]);

/** Every function that *from* has, itself or by its class, under the path it is called by. */
function methodsOf(from, path = []) {
  const found = [];
  const names = new Set();
  for (let at = from; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  }
  for (const name of names) {
    if (HIDDEN.has(name) || INNER.has(name) || name.startsWith("_")) continue;
    const value = from[name];
    if (typeof value === "function") found.push([...path, name].join("."));
    else if (value && typeof value === "object") found.push(...methodsOf(value, [...path, name]));
  }
  return found;
}

const acts = {
  call: ({ method, args }) => call(method, args),
  signSession: ({ id, signature }) => call("sessions.signature", byId(id, { signature })),
  getSession: ({ id }) => call("sessions.get", oneOf(id)),
  signIntent: ({ id, signature }) => call("transactionIntents.signature", byId(id, { signature })),
  getIntent: ({ id }) => call("transactionIntents.get", oneOf(id)),
  /** Create it with an idempotency key, as the newer SDK has them. */
  createIntentAs: ({ body, key }) => call("transactionIntents.create", [body, key]),
  key() {
    const privateKey = generatePrivateKey();
    return { privateKey, address: privateKeyToAccount(privateKey).address };
  },
  /** Sign as the page does. */
  sign: ({ privateKey, digest }) => privateKeyToAccount(privateKey).signMessage({ message: { raw: digest } }),
  parallel: ({ method, bodies }) => Promise.all(bodies.map((body) => call(method, [body]))),
  event: ({ body, signature }) => openfort.constructWebhookEvent(body, signature),
  // Two of its getters share one object, whichever is asked for first: each is looked at alone.
  methods() {
    const owners = Object.getOwnPropertyNames(Object.getPrototypeOf(openfort));
    const found = owners.filter((name) => !HIDDEN.has(name) && !INNER.has(name)).flatMap((name) => {
      const value = client()[name];
      return typeof value === "function" ? [name] : methodsOf(value, [name]);
    });
    return [...new Set(found)].sort();
  },
};

function told(error) {
  const status = error.statusCode ?? error.code ?? error.status ?? null;
  const body = typeof error.body === "string" ? error.body : error.body ? JSON.stringify(error.body) : null;
  return { kind: error.constructor.name, message: String(error.message), status, body, details: error.details ?? null };
}

process.on("unhandledRejection", (error) => process.stderr.write(`unhandled: ${error}\n`));
for await (const line of createInterface({ input: process.stdin })) {
  const { act, ...args } = JSON.parse(line);
  let answer;
  try {
    answer = { ok: (await acts[act](args)) ?? null };
  } catch (error) {
    answer = { error: told(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);

/** What the vendor's SDK asks this frame for, by the type of its message. */
import { type Api, type Client, Refused } from "./api.ts";
import { open, seal } from "./password.ts";
import { CURVES, type Curve, type Shares, asShares, forget, held, hold } from "./shares.ts";

type Data = Record<string, unknown>;
type Verb = (api: Api, data: Data) => Promise<unknown>;

const ME = "api/v3/clients/me";
const PASSWORD = "PASSWORD";

async function generate(api: Api): Promise<string> {
  const { id } = await api.client();
  return settle(api, id, asShares(await api.ask("POST", "v1/generate", {})));
}

/** Keep new shares before the server is told that they are kept. */
async function settle(api: Api, clientId: string, shares: Shares): Promise<string> {
  hold(clientId, shares);
  const signingSharePairIds = CURVES.map((curve) => shares[curve].id);
  await api.ask("PATCH", `${ME}/signing-share-pairs`, { signingSharePairIds, status: "STORED_CLIENT" });
  return addressOf(await api.client());
}

function addressOf(client: Client): string {
  return client.metadata.namespaces["eip155"]?.address ?? "";
}

async function sharesOf(api: Api): Promise<Shares> {
  const shares = held((await api.client()).id);
  if (shares === null) throw new Refused("UNABLE_TO_READ_SIGNING_STORAGE", "there is no share of this client here");
  return shares;
}

async function sign(api: Api, data: Data): Promise<unknown> {
  const { chainId, method, params } = data;
  const share = (await sharesOf(api)).SECP256K1.share;
  return dataOf(await api.ask("POST", "v1/sign", { chainId, method, params, share }));
}

async function rawSign(api: Api, data: Data): Promise<unknown> {
  const curve = data["curve"] as Curve;
  if (!CURVES.includes(curve)) throw new Refused("METHOD_UNSUPPORTED", `expected one of ${CURVES.join(", ")}`);
  const share = (await sharesOf(api))[curve].share;
  return dataOf(await api.ask("POST", `v1/raw/sign/${curve}`, { params: data["param"], share }));
}

function dataOf(told: unknown): unknown {
  return (told as { data: unknown }).data;
}

function passwordOf(data: Data): string {
  const configs = data["backupConfigs"] as { passwordStorage?: { password?: string } } | undefined;
  const password = configs?.passwordStorage?.password;
  if (data["backupMethod"] !== PASSWORD || password === undefined) {
    throw new Refused("UNSUPPORTED_STORAGE_METHODS", `expected the backup method ${PASSWORD}, with a password`);
  }
  return password;
}

async function backup(api: Api, data: Data): Promise<unknown> {
  const password = passwordOf(data);
  const generateResponse = JSON.stringify(await sharesOf(api));
  const shares = asShares(await api.ask("POST", "v1/backup", { generateResponse }));
  const cipherText = await seal(JSON.stringify(shares), password);
  return { cipherText, backupIds: CURVES.map((curve) => shares[curve].id) };
}

async function recover(api: Api, data: Data): Promise<string> {
  const password = passwordOf(data);
  const backupResponse = await open(String(data["cipherText"]), password).catch(() => {
    throw new Refused("UNEXPECTED_ERROR", "expected the password of this backup");
  });
  const { id } = await api.client();
  return settle(api, id, asShares(await api.ask("POST", "v1/recover", { backupResponse })));
}

async function stored(api: Api, data: Data): Promise<boolean> {
  const { status, backupIds } = data;
  await api.ask("PATCH", `${ME}/backup-share-pairs`, { backupSharePairIds: backupIds, status, backupMethod: PASSWORD });
  return true;
}

async function destroy(api: Api): Promise<boolean> {
  forget((await api.client()).id);
  return true;
}

async function onDevice(api: Api): Promise<Record<Curve, boolean>> {
  const shares = held((await api.client()).id);
  return { SECP256K1: shares !== null, ED25519: shares !== null };
}

/** Every message that is answered; the answer's type is the message's with `Result` or `Error` behind it. */
export const VERBS: Readonly<Record<string, Verb>> = {
  "portal:api:setBackupStatus": stored,
  "portal:address": async (api) => addressOf(await api.client()),
  "portal:checkSharesOnDevice": onDevice,
  "portal:destroy": destroy,
  "portal:getClient": (api) => api.client(),
  "portal:mpc:rawSign": rawSign,
  "portal:wasm:backup": backup,
  "portal:wasm:generate": generate,
  "portal:wasm:recover": recover,
  "portal:wasm:sign": sign,
};

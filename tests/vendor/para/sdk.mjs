// Para's server SDK, unmodified, told what to do by lines of JSON: {"act": …} in, {"ok": …} or {"error": …} out.
//   node sdk.mjs <package> <our URL>
import { createInterface } from "node:readline";

const [, , name, ours] = process.argv;
const { Para, Environment } = await import(name);
const { createParaAccount, createParaViemClient } = await import("@getpara/viem-v2-integration");
const viem = await import("viem");
const { createRemoteJWKSet, jwtVerify } = await import("jose");

// What it says goes to the log of the test; its answers are lines of their own.
for (const kind of ["log", "info", "warn", "error"]) console[kind] = (...said) => process.stderr.write(`${said.join(" ")}\n`);

const plain = globalThis.fetch;
globalThis.fetch = (url, init) => plain(String(url).replace("http://localhost:3003", ours), init);

const instances = new Map();
const known = (id) => instances.get(id);

/** Wait until *para* says where its user enters a code, and hand that to the test. */
function urlOf(para) {
  return new Promise((resolve) => {
    const end = para.onStatePhaseChange((state) => {
      const url = state.authStateInfo?.verificationUrl;
      if (url) resolve(url), setTimeout(() => end());
    });
  });
}

/** Wait until *para* knows that nobody is logged in, so that it takes orders. */
function atRest(para) {
  return new Promise((resolve) => {
    const end = para.onStatePhaseChange?.((state) => {
      if (state.authPhase === "unauthenticated" && state.corePhase !== "setup") resolve(), setTimeout(() => end());
    });
    if (!end) resolve();
  });
}

function made(id, key) {
  const para = new Para(Environment.BETA, key);
  para.ctx.client.baseRequest.defaults.baseURL = `${ours}/`;
  instances.set(id, para);
  return para;
}

const logins = new Map();
const reviews = new Map();
const acts = {
  async make({ id, key }) {
    const para = made(id, key);
    await atRest(para);
    return para.ctx.env;
  },
  begin: ({ id, key }) => made(id, key).ctx.env,
  touch: ({ id }) => known(id).touchSession(),
  async login({ id, email }) {
    const para = known(id);
    const url = urlOf(para);
    logins.set(id, para.authenticateWithEmailOrPhone({ auth: { email } }));
    logins.get(id).catch(() => undefined);
    return url;
  },
  loggedIn: ({ id }) => logins.get(id),
  wallets: ({ id }) => known(id).wallets,
  export: ({ id, slim }) => known(id).exportSession({ excludeSigners: slim }),
  import: ({ id, session }) => known(id).importSession(session),
  active: ({ id }) => known(id).isSessionActive(),
  jwt: ({ id, keyIndex }) => known(id).issueJwt({ keyIndex: keyIndex ?? 0 }),
  token: ({ id }) => known(id).getVerificationToken(),
  /** Check a token as an integrator does: with jose, by the keys that are published. */
  async verified({ token, audience }) {
    const keys = createRemoteJWKSet(new URL(`${ours}/.well-known/jwks.json`));
    return (await jwtVerify(token, keys, { algorithms: ["RS256"], audience })).payload;
  },
  keepAlive: ({ id }) => known(id).keepSessionAlive(),
  logout: ({ id }) => known(id).logout(),
  raw: ({ id, walletId, messageBase64 }) => known(id).signMessage({ walletId, messageBase64 }),
  pregenerate: ({ id, pregenId }) => known(id).createPregenWallet({ type: "EVM", pregenId }),
  pregenerated: ({ id, pregenId }) => known(id).getPregenWallets({ pregenId }),
  share: ({ id }) => known(id).getUserShare(),
  setShare: ({ id, share }) => known(id).setUserShare(share),
  createWallet: ({ id, type }) => known(id).createWallet({ type }),
  async message({ id, text }) {
    return createParaAccount(known(id)).signMessage({ message: text });
  },
  async typedData({ id, data }) {
    return createParaAccount(known(id)).signTypedData(data);
  },
  async send({ id, rpc, chainId, to, value }) {
    const chain = viem.defineChain({
      id: chainId,
      name: "local",
      nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
      rpcUrls: { default: { http: [rpc] } },
    });
    const account = createParaAccount(known(id));
    const wallet = createParaViemClient(known(id), { account, chain, transport: viem.http(rpc) });
    const hash = await wallet.sendTransaction({ account, chain, to, value: BigInt(value) });
    const seen = viem.createPublicClient({ chain, transport: viem.http(rpc) });
    const receipt = await seen.waitForTransactionReceipt({ hash });
    return { hash, status: receipt.status, from: receipt.from };
  },
  /** Begin to sign what is reviewed; the answer is where its user reads it. */
  review: ({ id, walletId, messageBase64 }) =>
    new Promise((resolve, reject) => {
      const signed = known(id).signMessage({ walletId, messageBase64, onTransactionReviewUrl: resolve });
      reviews.set(id, signed);
      signed.catch(reject);
    }),
  reviewed: ({ id }) => reviews.get(id),
};

function told(error) {
  return { name: error.name, kind: error.constructor.name, message: String(error.message), status: error.status ?? null };
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

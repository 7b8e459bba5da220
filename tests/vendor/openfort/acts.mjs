// What a test has an app with Openfort's browser SDK do, in Node and in a browser alike.
import { createWalletClient, custom } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { erc7715Actions } from "viem/experimental";

/** Return the acts of an app, whose SDK *sdk* returns. */
export function actsOf(sdk) {
  let provider;
  return {
    guest: () => sdk().auth.signUpGuest(),
    logout: () => sdk().auth.logout(),
    token: () => sdk().getAccessToken(),
    state: () => sdk().embeddedWallet.getEmbeddedState(),
    user: () => sdk().user.get(),
    wallet: ({ method, args }) => sdk().embeddedWallet[method](...(args ?? [])),
    proxy: ({ method, args }) => sdk().proxy[method](...args),
    async provider(options) {
      provider = await sdk().embeddedWallet.getEthereumProvider({ ...options, announceProvider: false });
      return provider.isOpenfort;
    },
    request: ({ method, params }) => provider.request({ method, params }),
    /** The page's own lines, as they stand there. */
    async grantAsOnPage() {
      const sessionKey = generatePrivateKey();
      const accountSession = privateKeyToAccount(sessionKey).address;
      const granted = await provider.request({
        method: 'wallet_grantPermissions',
        params: [
          {
            signer:{
              type: "account",
              data:{
                id: accountSession
              }
            },
            expiry: 60 * 60 * 24,
            permissions: [
              {
                type: 'contract-call',
                data: {
                  address: '0x2522f4fc9af2e1954a3d13f7a5b2683a00a4543a',
                  calls: []
                },
                policies: []
              }
            ],
          },
        ],
      });
      return { granted, address: accountSession };
    },
    key() {
      const privateKey = generatePrivateKey();
      return { privateKey, address: privateKeyToAccount(privateKey).address };
    },
    /** As on the page: the session key signs what is next. */
    sign: ({ privateKey, signableHash }) =>
      privateKeyToAccount(privateKey).signMessage({ message: { raw: signableHash } }),
    grantByViem({ permissions }) {
      const client = createWalletClient({ transport: custom(provider) }).extend(erc7715Actions());
      return client.grantPermissions(permissions);
    },
  };
}

/** Return what *act* comes to, or what it threw, as JSON that says large numbers as texts. */
export async function told(act) {
  try {
    return written({ ok: (await act()) ?? null });
  } catch (error) {
    const status = error.statusCode ?? error.response?.status ?? null;
    const code = error.code ?? error.error ?? null;
    return written({ error: { kind: error.constructor.name, message: error.message, code, status } });
  }
}

function written(value) {
  return JSON.stringify(value, (_, one) => (typeof one === "bigint" ? `${one}` : one));
}

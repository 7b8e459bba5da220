// Para's web SDK, unmodified, in a page of an integrator's: what the test tells it to do.
import { Buffer } from "buffer";
import { Environment, ParaWeb } from "@getpara/web-sdk";

globalThis.Buffer = Buffer;
const ours = new URL(location.href).searchParams.get("ours");
const plain = globalThis.fetch.bind(globalThis);
globalThis.fetch = (url, init) => plain(String(url).replace("http://localhost:3003", ours), init);

let para;
let said;
globalThis.acts = {
  async make(key) {
    para = new ParaWeb(Environment.BETA, key);
    para.ctx.client.baseRequest.defaults.baseURL = `${ours}/`;
    await new Promise((resolve) => {
      para.onStatePhaseChange((state) => {
        if (state.authPhase === "unauthenticated" && state.corePhase !== "setup") resolve();
      });
    });
  },
  /** Begin to log in; the answer is where the user enters the code. */
  login(email) {
    return new Promise((resolve, reject) => {
      para.onStatePhaseChange((state) => {
        if (state.authStateInfo?.verificationUrl) resolve(state.authStateInfo.verificationUrl);
      });
      said = para.authenticateWithEmailOrPhone({ auth: { email } });
      said.catch(reject);
    });
  },
  loggedIn: () => said,
  wallets: () => para.wallets,
  export: (slim) => para.exportSession({ excludeSigners: slim }),
  sign: (walletId, messageBase64) => para.signMessage({ walletId, messageBase64 }),
  active: () => para.isSessionActive(),
};

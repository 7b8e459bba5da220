// Para's web SDK, unmodified, in a page of an integrator's: what the test tells it to do.
import { Buffer } from "buffer";
import { Environment, ParaWeb } from "@getpara/web-sdk";

globalThis.Buffer = Buffer;
const ours = new URL(location.href).searchParams.get("ours");
const plain = globalThis.fetch.bind(globalThis);
globalThis.fetch = (url, init) => plain(String(url).replace("http://localhost:3003", ours), init);

let para;
let said;
let reviewed;
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
  /** As the page has it: hand the session to one's own backend. */
  async importOnServer() {
    // Export the current session
    const serializedSession = await para.exportSession();
    // Send this to your server endpoint
    const answer = await fetch("/api/import-session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ session: serializedSession }),
    });
    return answer.json();
  },
  async verifyOnServer() {
    // Client-side: Get a verification token
    const verificationToken = await para.getVerificationToken();
    // Send to your server
    const answer = await fetch("/api/verify-session", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ verificationToken }),
    });
    return answer.json();
  },
  /** Begin to sign what is reviewed; the answer is where its user reads it. */
  review(asked) {
    return new Promise((resolve, reject) => {
      const args = { ...asked, onTransactionReviewUrl: resolve };
      reviewed = asked.messageBase64 ? para.signMessage(args) : para.signTransaction(args);
      reviewed.catch(reject);
    });
  },
  reviewed: () => reviewed.then(
    (signed) => ({ signature: signed.signature }),
    (error) => ({ refused: error.constructor.name }),
  ),
  active: () => para.isSessionActive(),
};

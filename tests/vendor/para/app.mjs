// The web app of an integrator, as Para's page has it: a page in the browser, and a backend under /api.
//   node app.mjs <package> <our URL> <publishable key> <secret key> <folder of the page>
import express from "express";

const [, , name, ours, publicKey, secretKey, folder] = process.argv;
const { Para: ParaServer, Environment } = await import(name);

const plain = globalThis.fetch;
globalThis.fetch = (url, init) => plain(String(url).replace("http://localhost:3003", ours), init);

/** A new client for each request, as the page says; these are the two lines of coming-from-para.md. */
function makePara() {
  const paraServer = new ParaServer(Environment.BETA, publicKey);
  paraServer.ctx.client.baseRequest.defaults.baseURL = `${ours}/`;
  return paraServer;
}

const app = express();
app.use(express.json());
app.use(express.static(folder));

app.post("/api/import-session", async (req, res) => {
  try {
    const paraServer = makePara();
    // Import the session from the client
    await paraServer.importSession(req.body.session);
    // Now you can use the paraServer instance for authenticated operations
    res.status(200).json({ success: true });
  } catch (error) {
    res.status(500).json({ error: "Failed to import session" });
  }
});

// What the page leaves to its reader: somebody's session, used for the time of a request.
app.post("/api/use-session", async (req, res) => {
  const paraServer = makePara();
  await paraServer.importSession(req.body.session);
  const active = await paraServer.isSessionActive();
  const success = await paraServer.keepSessionAlive();
  res.status(200).json({ active, success, ...(active ? await paraServer.issueJwt() : {}) });
});

app.post("/api/verify-session", async (req, res) => {
  const { verificationToken } = req.body;
  if (!verificationToken) {
    return res.status(400).json({ error: "Missing verification token" });
  }
  const response = await fetch(`${ours}/sessions/verify`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-external-api-key": secretKey },
    body: JSON.stringify({ verificationToken }),
  });
  if (response.status === 403) {
    return res.status(403).json({ error: "Session expired" });
  }
  res.status(200).json(await response.json());
});

app.post("/api/verify-wallet", async (req, res) => {
  const { address } = req.body;
  if (!address) {
    return res.status(400).json({ error: "Missing address" });
  }
  // Set the correct URL based on your environment
  const verifyUrl = `${ours}/wallets/verify`;
  try {
    const response = await fetch(verifyUrl, {
      method: "POST",
      headers: { "content-type": "application/json", "x-external-api-key": secretKey },
      body: JSON.stringify({ address }),
    });
    // No matching wallet found
    if (response.status === 404) {
      return res.status(404).json({ error: `Wallet not found with address: ${address}` });
    }
    const { walletId } = await response.json();
    // Return the matched wallet ID:
    res.status(200).json({ walletId });
  } catch (error) {
    res.status(500).json({ error: "Verification failed" });
  }
});

process.on("unhandledRejection", (error) => process.stderr.write(`unhandled: ${error}\n`));
const listening = app.listen(0, "127.0.0.1", () => process.stdout.write(`${listening.address().port}\n`));

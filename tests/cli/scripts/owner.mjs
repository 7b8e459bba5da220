// What an owner runs: a payment of an account whose key the node has. Usage: owner.mjs URL FROM TO WEI

const [url, from, to, wei] = process.argv.slice(2);
const transaction = { from, to, value: `0x${BigInt(wei).toString(16)}` };
const answer = await fetch(url, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_sendTransaction", params: [transaction] }),
});
const { error } = await answer.json();
if (error) throw new Error(error.message);

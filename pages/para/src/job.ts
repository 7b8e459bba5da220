// What Para's clients ask of the script that they run beside themselves. Theirs speaks a protocol of
// many rounds with their network; ours asks this server, which joins the client's share for one signature.

/** Where this server speaks Para's format; it stands before the script when it is served. */
declare const VALETKEY_API: string;

interface Params {
  readonly userId?: string;
  readonly walletId?: string;
  readonly share?: string;
  readonly message?: string;
  readonly base64Bytes?: string;
  readonly tx?: string;
  readonly pregenIdentifier?: string;
  readonly pregenIdentifierType?: string;
}

export interface Job {
  readonly workId: string;
  readonly functionType: string;
  readonly apiKey: string;
  readonly sessionCookie?: string;
  readonly params?: Params;
}

async function ask(job: Job, path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`${VALETKEY_API}${path}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-external-api-key": job.apiKey,
      "x-capsule-sid": job.sessionCookie ?? "",
    },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}

function sign(job: Job, what: "messages" | "transactions", body: object): Promise<object> {
  const { userId, walletId, share } = job.params ?? {};
  return ask(job, `/users/${userId}/wallets/${walletId}/${what}/sign`, { ...body, signer: share ?? null });
}

function whose({ pregenIdentifier, pregenIdentifierType }: Params): object {
  return { pregenIdentifier, pregenIdentifierType };
}

/** Do *job*, and return what its client is told; what is refused is thrown, for it knows no other way. */
export async function done(job: Job): Promise<object> {
  const params = job.params ?? {};
  switch (job.functionType) {
    case "INIT":
      return {};
    case "KEYGEN":
      return ask(job, `/users/${params.userId}/wallets`, { type: "EVM" });
    case "ED25519_KEYGEN":
      return ask(job, `/users/${params.userId}/wallets`, { type: "SOLANA" });
    case "PREKEYGEN":
      return ask(job, "/wallets/pregen", { ...whose(params), type: "EVM" });
    case "ED25519_PREKEYGEN":
      return ask(job, "/wallets/pregen", { ...whose(params), type: "SOLANA" });
    case "SIGN_MESSAGE":
      return sign(job, "messages", { message: params.message });
    case "ED25519_SIGN":
      return sign(job, "messages", { message: params.base64Bytes });
    case "SIGN_TRANSACTION":
      return sign(job, "transactions", { transaction: params.tx });
    default:
      throw new Error(`${job.functionType} is not done here`);
  }
}

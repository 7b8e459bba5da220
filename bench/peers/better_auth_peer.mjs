// better-auth on better-sqlite3, cookie cache off.
import { betterAuth } from "better-auth";
import { createAuthEndpoint } from "better-auth/api";
import { setSessionCookie } from "better-auth/cookies";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { facts, isBackend, openDatabase, serve } from "./common.mjs";

const { permission, ...plain } = facts.session;
const fields = {
  organization: { type: "string" },
  access: { type: "string" },
  state: { type: "string" },
  label: { type: "string" },
  permission: { type: "string" },
  calls: { type: "number" },
  calls_left: { type: "number", required: false },
};
let user;

// A session as a sign-in makes it, without the password: its hash alone would be the whole figure.
const opening = {
  id: "opening",
  endpoints: {
    openSession: createAuthEndpoint("/open", { method: "POST" }, async (ctx) => {
      if (!isBackend(Object.fromEntries(ctx.headers))) return ctx.json(null, { status: 401 });
      const { principal, ...own } = plain;
      const kept = { ...own, permission: JSON.stringify(permission) };
      const session = await ctx.context.internalAdapter.createSession(user.id, false, kept);
      await setSessionCookie(ctx, { session, user });
      return ctx.json({ session, user });
    }),
  },
};

const auth = betterAuth({
  baseURL: "http://127.0.0.1",
  database: openDatabase(),
  secret: facts.secret,
  plugins: [opening],
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  session: {
    additionalFields: fields,
    cookieCache: { enabled: false },
    expiresIn: facts.life_s,
    updateAge: facts.touch_s, // notes a use, at most so often
  },
});

const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
const { internalAdapter } = await auth.$context;
user = await internalAdapter.createUser({ name: plain.principal, email: "bench@example.org" });
serve(toNodeHandler(auth));

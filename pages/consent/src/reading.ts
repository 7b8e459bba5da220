// What the owner reads: who asks, the worst case, the sentences, the findings, and what is signed.
import { ownerOf } from "./clone.ts";
import { type Child, code, el, facts, prose, section } from "./dom.ts";
import type { SignedCap, SignedRule } from "./lower.ts";
import { isInTree } from "./packed.ts";
import type { ToSign } from "./typed.ts";
import type { Bound, Consent, Finding } from "./wire.ts";
import { amount, sentence, short, span, when } from "./words.ts";

const SEVERITIES: Record<Finding["severity"], string> = { error: "Error", warning: "Warning", info: "Remark" };

/** Say whether somebody has to confirm that they have seen how far this goes. */
export function isGrave(consent: Consent): boolean {
  const { bounds, others } = consent.worst_case;
  return others.length > 0 || bounds.some((one) => one.amount === null) || consent.findings.some((one) => one.severity === "error");
}

export function heading(consent: Consent): HTMLElement {
  return el(
    "div",
    { class: "intro" },
    el("h1", {}, el("bdi", {}, consent.organization), " asks for a session on your account"),
    el("p", { class: "lead" }, ...prose(`It ${consent.headline}.`)),
    consent.label ? el("p", { class: "label" }, "They call it ", el("q", {}, el("bdi", {}, consent.label))) : null,
  );
}

export function reading(consent: Consent, signed: ToSign | null): Child[] {
  return [
    section("worst", "The most it can move", worst(consent)),
    section("may", "What it may do", el("ul", { class: "sentences" }, ...sentences(consent))),
    section("findings", "What stands out", findings(consent.findings)),
    section("terms", "Terms", terms(consent)),
    section("enforced", "Who keeps it to this", enforced(consent)),
    signed === null ? null : section("exactly", "Exactly what is signed", exactly(consent, signed), checked(consent)),
  ];
}

function sentences(consent: Consent): HTMLElement[] {
  // The worst case has its own place above.
  return consent.explanation
    .filter((text) => !text.startsWith("Worst case: "))
    .map((text) => el("li", { class: /anything|unbounded/i.test(text) ? "wide" : null }, ...prose(text)));
}

function worst(consent: Consent): HTMLElement {
  const { bounds, others } = consent.worst_case;
  if (bounds.length === 0 && others.length === 0) return el("p", {}, "Nothing can be moved.");
  const shown = bounds.filter((one) => one.asset === "native" || others.length === 0);
  return el(
    "ul",
    { class: "worst" },
    ...shown.map((bound) => worstOf(consent, bound)),
    ...others.map((reason) => unlimited("Every token", reason)),
  );
}

function worstOf(consent: Consent, bound: Bound): HTMLElement {
  const asset = bound.asset === "native" ? "native coin" : (consent.names[bound.asset] ?? short(bound.asset));
  if (bound.amount === null) return unlimited(asset, bound.reason);
  return el(
    "li",
    {},
    el("span", { class: "sum" }, el("b", {}, amount(bound.amount, bound.decimals)), ` ${asset}`),
    el("span", { class: "why" }, `by ${bound.reason}`),
    bound.asset === "native" ? null : el("span", { class: "why" }, code(bound.asset)),
  );
}

function unlimited(what: string, reason: string): HTMLElement {
  const sum = el("span", { class: "sum" }, el("b", {}, "No limit"), ` ${what}`);
  return el("li", { class: "wide" }, sum, el("span", { class: "why" }, ...prose(`because ${reason}`)));
}

function findings(found: Finding[]): HTMLElement {
  if (found.length === 0) return el("p", {}, "Nothing stands out.");
  return el(
    "ul",
    { class: "findings" },
    ...found.map((one) =>
      el(
        "li",
        { class: one.severity },
        el("span", { class: "badge" }, SEVERITIES[one.severity]),
        el("div", {}, el("p", {}, ...prose(sentence(one.detail))), el("p", { class: "why" }, `Better: ${one.fix}. `, code(`${one.rule} · ${one.place}`))),
      ),
    ),
  );
}

function terms(consent: Consent): HTMLElement {
  const length = span(consent.expires_at - consent.starts_at);
  const holder =
    consent.proof === "chain"
      ? "Whoever asked for it. This server does not have the key and cannot act by itself."
      : "This server, which acts when the holder's signed requests ask for it.";
  return facts([
    ["Your account", [code(consent.account)]],
    ...(consent.clone === null ? [] : [["Its owner", [code(ownerOf(consent))]] as [string, Child[]]]),
    ["Chain", [code(consent.chain)]],
    ["From", [when(consent.starts_at)]],
    ["Until", [`${when(consent.expires_at)} (${length})`]],
    ["Key held by", [holder, el("span", { class: "why" }, code(consent.session_key))]],
    ...(consent.device ? ([["Device", [el("bdi", {}, consent.device)]]] as [string, Child[]][]) : []),
    ["Session", [code(consent.session_id)]],
    ["Your link works until", [when(consent.link_expires_at)]],
  ]);
}

function enforced(consent: Consent): HTMLElement {
  const { permission } = consent;
  const here = [
    permission.rate === null ? "" : `at most ${permission.rate.calls} calls in ${span(permission.rate.window_s)}`,
    consent.idle_s === null ? "" : `its end after ${span(consent.idle_s)} without use`,
    permission.fee_budget_wei === null ? "" : "the fee budget",
    permission.messages.length + permission.typed_data.length === 0 ? "" : "signatures as the account",
    permission.scopes.length === 0 ? "" : "what it may do outside the chain",
  ].filter(Boolean);
  const relayer = permission.relayer === null ? "" : ", and that only this server's relayer brings it to the chain";
  return facts([
    ["The chain", [`Your account's contract checks contracts, functions, arguments, amounts, the number of calls and the times${relayer}. Nobody gets past it, this server included.`]],
    ["This server alone", [here.length > 0 ? `It keeps: ${here.join("; ")}. The chain does not see these.` : "Nothing: all of it is kept on chain."]],
    ["You", ["The kill note that you sign ends the session on chain at any time, with or without this server."]],
  ]);
}

function exactly(consent: Consent, signed: ToSign): HTMLElement {
  const { parts } = signed;
  const rows: [string, Child[]][] = [
    ["domain", [`valetkey, version 1, chain ${consent.chain_id}, contract `, code(consent.account)]],
    ["key", [code(parts.key)]],
    ["salt · epoch", [`${parts.salt} · ${String(consent.grant.message["epoch"])}`]],
    ["startsAt · expiresAt", [`${parts.startsAt} · ${parts.expiresAt}`]],
    ["maxCalls", [`${parts.maxCalls}${parts.maxCalls === 0xffffffff ? " (not counted)" : ""}`]],
    ["relayer", [parts.relayer === null ? "anybody (zeros)" : code(parts.relayer)]],
    ...parts.caps.map((cap, index): [string, Child[]] => [`cap ${index}`, [sayCap(cap)]]),
    ...parts.rules.map((rule, index): [string, Child[]] => [`rule ${index}`, sayRule(rule)]),
    ["kill note: grant", [code(signed.grantId)]],
  ];
  if (isInTree(parts.rules)) {
    const said = `Your wallet shows only this root of the ${parts.rules.length} rules, which this page has worked out from them: `;
    rows.push(["rulesRoot", [said, code(String(signed.grant.message["rulesRoot"]))]]);
  }
  return el("details", {}, el("summary", {}, "Every field, as your wallet shows it"), facts(rows));
}

function sayCap(cap: SignedCap): string {
  return `${cap.limit} of ${cap.asset}${cap.window ? ` in each ${cap.window} s` : " in all"}`;
}

function sayRule(rule: SignedRule): Child[] {
  const checks = rule.constraints.map((one) => `argument ${one.argument} ${one.operator} ${one.values.join(", ")}`);
  const meters = rule.meters.map((one) => `argument ${one.argument} counts for cap ${one.cap}`);
  return [`${rule.kind} `, code(rule.target), " ", code(rule.selector), ...[...checks, ...meters].map((text) => el("span", { class: "why" }, code(text)))];
}

function checked(consent: Consent): HTMLElement {
  const yes = [
    "What your wallet signs is made here, from the permission above. The server's own version is the same.",
    "The kill note ends exactly this session, and no other.",
    "The amounts of the worst case follow from the caps.",
  ];
  const no = [
    "The sentences, the names of addresses and the decimals of tokens are the server's word.",
    `This page itself comes from ${location.host}. If you do not trust it, compare what your wallet shows, field by field.`,
  ];
  if (consent.proof === "stamp") no.push("The session's key is this server's: what limits it is the chain.");
  return el(
    "div",
    { class: "checked" },
    el("h3", {}, "Checked by this page"),
    el("ul", { class: "yes" }, ...yes.map((text) => el("li", {}, text))),
    el("h3", {}, "Not checked by this page"),
    el("ul", { class: "no" }, ...no.map((text) => el("li", {}, text))),
  );
}

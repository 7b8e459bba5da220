"""Pages of other origins that ask the native API, in a real browser with a key of its own."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.client.loopback import Said, answering
from tests.http.stage import Stage, staged
from tests.pages.browser import tab
from valetkey.http.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from playwright.async_api import Browser, Page

    from valetkey.devchain import Deployment, Node

pytestmark = pytest.mark.asyncio(loop_scope="module")

# A holder of a session: a key that nothing can read, DPoP (RFC 9449) and signatures (RFC 9421).
_HOLDER: Final = """
const kind = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const text = new TextEncoder();
const b64 = (data) => btoa(String.fromCharCode(...new Uint8Array(data)));
const b64u = (data) => b64(data).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const hash = (data) => crypto.subtle.digest("SHA-256", text.encode(data));
const fresh = () => b64u(crypto.getRandomValues(new Uint8Array(16)));
let key;

window.makeKey = async () => {
  key = await crypto.subtle.generateKey(kind, false, ["sign"]);
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", key.publicKey));
  return "0x" + [...raw].map((byte) => byte.toString(16).padStart(2, "0")).join("");
};

const sign = async (data) => crypto.subtle.sign(kind, key.privateKey, text.encode(data));

const told = async (asking) => {
  try {
    const answer = await asking;
    return {
      status: answer.status,
      body: await answer.json(),
      nonce: answer.headers.get("DPoP-Nonce"),
      requestId: answer.headers.get("X-Request-Id"),
      rate: answer.headers.get("RateLimit"),
    };
  } catch (error) {
    return { failed: error.name };
  }
};

window.readByProof = async (url, token, now, nonce) => {
  const { x, y } = await crypto.subtle.exportKey("jwk", key.publicKey);
  const head = { typ: "dpop+jwt", alg: "ES256", jwk: { kty: "EC", crv: "P-256", x, y } };
  const claims = { htm: "GET", htu: url, iat: now, jti: fresh(), ath: b64u(await hash(token)) };
  if (nonce) claims.nonce = nonce;
  const parts = [head, claims].map((part) => b64u(text.encode(JSON.stringify(part)))).join(".");
  const proof = `${parts}.${b64u(await sign(parts))}`;
  return told(fetch(url, { headers: { Authorization: `DPoP ${token}`, DPoP: proof } }));
};

window.askBySignature = async (url, method, body, keyid, now) => {
  const headers = {};
  const covered = [["@method", method], ["@target-uri", url]];
  if (body) {
    headers["Content-Type"] = "application/json";
    headers["Content-Digest"] = `sha-256=:${b64(await hash(body))}:`;
    covered.push(["content-digest", headers["Content-Digest"]]);
  }
  const names = covered.map(([name]) => `"${name}"`).join(" ");
  const input = `(${names});created=${now};nonce="${fresh()}";keyid="${keyid}"`;
  const lines = covered.map(([name, value]) => `"${name}": ${value}`);
  const base = [...lines, `"@signature-params": ${input}`].join("\\n");
  headers["Signature-Input"] = `vk=${input}`;
  headers.Signature = `vk=:${b64(await sign(base))}:`;
  return told(fetch(url, { method, headers, body }));
};
"""
_PAGE: Final = b"<!doctype html><title>A holder</title><link rel=icon href=data:,>"


@contextmanager
def page_of_another_origin() -> Iterator[str]:
    """Give the origin of an empty page, on a port of its own."""
    with answering(lambda _: Said(body=_PAGE, headers={"content-type": "text/html"})) as served:
        yield served.url.rstrip("/")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def origins(
    page_node: Node, page_deployment: Deployment
) -> AsyncIterator[tuple[Stage, str, str]]:
    """Give a server, the origin whose pages may ask it, and one whose pages may not."""
    with page_of_another_origin() as allowed, page_of_another_origin() as refused:
        settings = Settings(reconcile_s=0, origins=(allowed,))
        async with staged(page_node, page_deployment, settings) as stage:
            stage.clock.advance(5)
            yield stage, allowed, refused


async def holding(stage: Stage, page: Page, origin: str) -> dict[str, Any]:
    """Open a session for a key that the page at *origin* makes; return what its backend knows."""
    await page.goto(origin)
    await page.add_script_tag(content=_HOLDER)
    point = await page.evaluate("makeKey()")
    key = {"curve": "p256", "public_key": point}
    return await stage.open("stamp", "write", key=key, bound_token=True)


async def test_a_page_of_a_named_origin_reads_and_signs(
    origins: tuple[Stage, str, str], browser: Browser
) -> None:
    """By DPoP, with the nonce that it reads from the refusal; and by a signature, to the end."""
    stage, allowed, _ = origins
    own = f"{stage.client.base_url}/v1/session".replace("//v1", "/v1")
    async with tab(browser) as at:
        opened = await holding(stage, at.page, allowed)
        asked = [own, opened["token"], stage.clock.now()]
        first = await at.page.evaluate("([u, t, n]) => readByProof(u, t, n)", asked)
        assert (first["status"], first["body"]["code"]) == (401, "proof_nonce_needed")
        asked.append(first["nonce"])
        read = await at.page.evaluate("([u, t, n, o]) => readByProof(u, t, n, o)", asked)
        assert (read["status"], read["body"]["id"]) == (200, opened["session"]["id"])
        assert read["rate"].startswith('"caller"')
        assert read["requestId"].startswith("req_")
        ask = "([u, m, b, k, n]) => askBySignature(u, m, b, k, n)"
        key = opened["session"]["id"]
        signed = await at.page.evaluate(ask, [own, "GET", None, key, stage.clock.now()])
        assert (signed["status"], signed["body"]["id"]) == (200, key)
        ended = await at.page.evaluate(ask, [f"{own}/close", "POST", "{}", key, stage.clock.now()])
        assert (ended["status"], ended["body"]["session"]["state"]) == (200, "closed")


async def test_a_page_of_another_origin_does_neither(
    origins: tuple[Stage, str, str], browser: Browser
) -> None:
    """The attack: it has the key and the token, and its browser lets it send and read nothing."""
    stage, _, refused = origins
    own = f"{stage.client.base_url}/v1/session".replace("//v1", "/v1")
    async with tab(browser) as at:
        opened = await holding(stage, at.page, refused)
        now, key = stage.clock.now(), opened["session"]["id"]
        read = await at.page.evaluate(
            "([u, t, n]) => readByProof(u, t, n)", [own, opened["token"], now]
        )
        ended = await at.page.evaluate(
            "([u, k, n]) => askBySignature(u, 'POST', '{}', k, n)", [f"{own}/close", key, now]
        )
        plain = await at.page.evaluate(
            "(u) => fetch(u).then(() => 'read', (error) => error.name)", f"{own[:-11]}/v1/server"
        )
        assert read == ended == {"failed": "TypeError"}
        assert plain == "TypeError"
        assert any("CORS policy" in wrong for wrong in at.seen.wrongs)
    after = await stage.secret.get(f"/v1/sessions/{key}")
    assert after["state"] == "open"

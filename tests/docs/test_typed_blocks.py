"""What the pages have people paste into a shell or a page works, against a real server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.conftest import Live, lived_in
from tests.docs.test_code_in_docs import blocks
from tests.docs.test_every_block import blocks as shown_on
from tests.docs.test_operating import shell
from tests.leaks import secret
from valetkey import Valetkey
from valetkey.core.stamp import Stamp, check_stamp
from valetkey.core.wallet import Curve, PublicKey
from valetkey.spec.content_digest import check_content_digest
from valetkey.spec.rfc9421 import parse_signature, signature_base, verify_request
from valetkey.spec.signature_components import RequestParts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPLIT = "docs/how-to/split-a-key.md"
WATCH = "docs/how-to/watch-a-session.md"
_TIMEOUT_S = 60
PUBLISHED = bytes.fromhex("0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6")
_KEY = re.compile(r"vk_secret_\S+")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Return a server of these tests alone."""
    with lived_in(tmp_path_factory.mktemp("typed")) as found:
        yield found


def test_a_key_is_split_backed_up_renewed_and_taken_out_as_the_page_says(
    live: Live, tmp_path: Path
) -> None:
    """Each section with what the one before has left, the newer share in the place of the older."""
    make, backup, lost, stolen, leave = blocks(SPLIT, "sh")
    (tmp_path / "password").write_text("correct horse battery staple")
    create, sign = make.strip().splitlines()
    known: dict[str, Any] = {**live.env, "HOME": tmp_path}
    shell([f"cd {tmp_path}", create], **known)
    with Valetkey(live.local.url, api_key=live.local.secret) as server:
        (wallet,) = (one for one in server.wallets.list() if one.label == "alice")
    newer = "mv alice.share2 alice.share"
    typed = [sign, backup, lost, newer, stolen, newer, leave]
    said = shell([f"cd {tmp_path}", *(one.replace("wal_…", wallet.id) for one in typed)], **known)
    secret((tmp_path / "alice.key").read_bytes().strip())
    assert "0x" in said
    assert (tmp_path / "alice.recovery2").exists()


def test_credentials_are_added_as_the_page_says(live: Live) -> None:
    """An auditor, and an operator that only introspects."""
    said = shell(blocks("docs/reference/roles.md", "sh"), **live.env)
    for key in _KEY.findall(said):
        secret(key.encode())
    assert "may audit:read, read, self" in said
    assert "may self, tokens:introspect" in said


def test_a_page_watches_as_the_page_says(live: Live) -> None:
    """The JavaScript in Node: by a ticket the state now, then the last one."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    (watch,) = blocks(WATCH, "js")
    asking = """
      const [url, id, key] = process.argv.slice(1);
      const ticket = async (one) => {
        const headers = { authorization: `Bearer ${key}`, "idempotency-key": crypto.randomUUID() };
        const way = { method: "POST", headers, body: "{}" };
        headers["content-type"] = "application/json";
        return (await (await fetch(`${url}/v1/sessions/${one}/meter/ticket`, way)).json()).ticket;
      };
      const show = (now) => {
        console.log(JSON.stringify([now.state]));
        const way = { method: "POST", headers: { authorization: `Bearer ${key}`,
          "content-type": "application/json", "idempotency-key": "stop" }, body: "{}" };
        if (now.state === "open") fetch(`${url}/v1/sessions/${id}/revoke`, way);
        else setTimeout(() => process.exit(0), 200);
      };
      setInterval(() => {}, 1000);
      watch(url, id, ticket, show);
    """
    with Valetkey(live.local.url, api_key=live.local.secret) as server:
        opened = server.sessions.open_reader(expires_in=600)
    options = ("--no-warnings", "--experimental-eventsource", "--input-type=module", "--eval")
    ended = subprocess.run(  # noqa: S603 - our own page
        [node, *options, watch + asking, live.local.url, opened.session.id, live.local.secret],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert [json.loads(line) for line in ended.stdout.splitlines()] == [["open"], ["revoked"]]


def test_the_signed_request_of_the_page_is_signed_as_the_page_says() -> None:
    """By the published key, over the bytes that are shown; and fresh at its own time."""
    page = "docs/reference/native-api.md"
    (text,) = (
        one for language, one in shown_on(page) if language == "http" and "Signature-Input" in one
    )
    (shown,) = (one for _, one in shown_on(page) if one.startswith('"@method": POST'))
    head, _, body = text.rstrip("\n").partition("\n\n")
    asked, *lines = head.splitlines()
    method, path, _ = asked.split()
    headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in lines)}
    assert check_content_digest(headers["content-digest"], body.encode())
    request = RequestParts(method, "https", headers["host"], path, None, headers)
    signature = parse_signature(headers, label="vk")
    assert signature_base(request, signature) == shown.rstrip("\n").encode()
    assert verify_request(PublicKey(Curve.P256, PUBLISHED), request, signature)
    stamp = Stamp(
        key_id=str(signature.keyid),
        algorithm=signature.alg,
        components=frozenset(signature.components),
        created=signature.created,
        nonce=signature.nonce,
        base=b"",
        signature=signature.signature,
        has_body=True,
    )
    assert check_stamp(stamp, now=1_800_000_000) == signature.nonce

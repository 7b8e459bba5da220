"""A client that is another library signs with the server: what a page has, or any other program."""

from __future__ import annotations

from nacl.signing import VerifyKey

from tests.flows.splits import make_splits
from tests.spec.noble import Noble, commitment_of, told_of
from valetkey.core.permission.signing import SignMessage
from valetkey.core.split_share import about_share
from valetkey.core.wallet import Curve
from valetkey.flows.split_frost import BeginFrost, FinishFrost, begin_frost, finish_frost
from valetkey.spec.rfc9591 import verifying_share_of
from valetkey.spec.rfc9591_commit import Commitment

MESSAGE = b"signed by two programs"


async def test_another_library_is_the_client() -> None:
    """The share as it was given out, the bytes of the routes, an ordinary signature."""
    splits = await make_splits()
    made, share = await splits.make(Curve.ED25519)
    asked = (splits.world, splits.principal)
    key, point = made.key.public_key.data, about_share(share).point.reveal()
    place, held = point[:32][::-1], point[32:][::-1]
    signer = {"identifier": place.hex(), "share": held.hex()}
    with Noble() as noble:
        theirs = noble.ask("commit", signer=signer)
        commitment = commitment_of(theirs)
        begins = BeginFrost(made.wallet.id, 1, commitment.to_bytes(), SignMessage(MESSAGE))
        begun = await begin_frost(*asked, splits.request(), begins)
        ours = Commitment.from_bytes(begun.commitment)
        given = noble.ask(
            "sign",
            signer=signer,
            group={
                "commitments": [key.hex(), verifying_share_of(held).hex()],
                "shares": {place.hex(): verifying_share_of(held).hex()},
            },
            nonces=theirs["nonces"],
            commitments=told_of([ours, commitment]),
            message=MESSAGE.hex(),
        )
        finishes = FinishFrost(made.wallet.id, begun.activity.id, bytes.fromhex(given))
        signed = await finish_frost(*asked, splits.request(), finishes)
        VerifyKey(key).verify(MESSAGE, signed.signature)
        told = {"signature": signed.signature.hex(), "public_key": key.hex()}
        assert noble.ask("verify", message=MESSAGE.hex(), **told) is True

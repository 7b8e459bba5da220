"""What earlier versions wrote is still read."""

from __future__ import annotations

from valetkey.adapters.store import codec
from valetkey.core.session import Session
from valetkey.core.surface import Surface
from valetkey.core.wallet import Curve, address_of

POINT = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
BEFORE_P256 = (
    '{"id":"ses_1","organization_id":"org_1","user_id":null,"wallet_id":"wal_1",'
    '"account_id":"acc_1","proof":"chain","access":"write","state":"open","label":"",'
    '"device":"","created_at":1,"starts_at":1,"expires_at":2,"idle_s":null,'
    '"fingerprint":null,"key":{"curve":"secp256k1",'
    '"data":"Anm+Zn753LusVaBilc6HCwcCm/zbLc4o2VnygVsW+BeY"},'
    '"permission":null,"permission_id":null,"owner_key":"outside",'
    '"grant":{"packed":"AQA=","grant_id":"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",'
    '"epoch":0,"session_key":"fl9FUgkaaRJdXfy3uMJlkCk5W98=","key_id":null,'
    '"owner_signature":null,"sealed_kill_note":null},"steps":[]}'
)


def test_a_session_from_before_p256_has_an_address_for_a_key() -> None:
    """Its grant names twenty bytes, as all did; nothing has to be rewritten."""
    session = codec.decode(Session, BEFORE_P256)
    assert session.key is not None
    assert session.grant is not None
    assert (session.key.curve, session.key.data.hex()) == (Curve.SECP256K1, POINT)
    assert session.grant.session_key == session.grant.key_address == address_of(session.key)
    assert session.surface is Surface.NATIVE
    later = ',"surface":"native","parent_id":null,"root_id":null,"depth":0,"sponsorship_id":null}'
    now = BEFORE_P256.replace('_note":null}', '_note":null,"kill_by":"owner"}')
    assert codec.encode(session) == now.removesuffix("}") + later

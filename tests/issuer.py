"""Somebody who logs people in elsewhere: keys and ID tokens, made by another library than ours."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey, KeyParameters, KeySet, OKPKey, RSAKey

if TYPE_CHECKING:
    from collections.abc import Mapping

ISSUER: Final = "https://login.example"
AUDIENCE: Final = "shop"
KEYS_URL: Final = "https://login.example/jwks.json"
LIFE_S: Final = 3600
Key = ECKey | OKPKey | RSAKey


def make_key(key_id: str = "first", algorithm: str = "ES256") -> Key:
    """Return a key for *algorithm*, which is called *key_id*."""
    named: KeyParameters = {"kid": key_id}
    if algorithm == "RS256":
        return RSAKey.generate_key(2048, named)
    if algorithm == "Ed25519":
        return OKPKey.generate_key("Ed25519", named)
    return ECKey.generate_key("P-256", named)


@dataclass(slots=True)
class Issuer:
    """Who vouches for people, with one key or several."""

    key: Key = field(default_factory=make_key)
    algorithm: str = "ES256"

    @property
    def keys(self) -> dict[str, Any]:
        """Its public keys, as it shows them."""
        return dict(KeySet([self.key]).as_dict(private=False))

    @property
    def keys_text(self) -> str:
        """The same as text."""
        return json.dumps(self.keys)

    def claims(self, subject: str, *, now: int) -> dict[str, Any]:
        """Return what its tokens say."""
        times = {"iat": now, "exp": now + LIFE_S}
        return {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, **times}

    def token(self, subject: str, *, now: int, key: Key | None = None, **changed: object) -> str:
        """Return a token about *subject*; what is *changed* to None is left out."""
        claims = {**self.claims(subject, now=now), **changed}
        return self.sign({name: one for name, one in claims.items() if one is not None}, key=key)

    def sign(self, claims: Mapping[str, Any], *, key: Key | None = None) -> str:
        """Return a token that says *claims*."""
        signing = key or self.key
        header = {"alg": self.algorithm, "kid": signing.kid}
        return jwt.encode(header, dict(claims), signing, algorithms=[self.algorithm])

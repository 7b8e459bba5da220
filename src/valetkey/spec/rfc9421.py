"""
RFC 9421, HTTP message signatures, for requests.

Stricter than the standard where it leaves a choice: canonical text only, nothing twice, no
component or parameter that we would not know how to check. Every signed request passes here, so
the fields are read by a few regular expressions and not by a general library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.spec.content_digest import ContentDigestError, check_content_digest, content_digest
from valetkey.spec.keys import SIGNATURE_BYTES, PublicKeyError, PublicKeyLike, verify
from valetkey.spec.signature_components import (
    RequestParts,
    SignatureError,
    check_component,
    component_value,
    header_fields,
    identifier,
)
from valetkey.spec.structured_fields import (
    StructuredFieldError,
    read_bytes,
    read_dictionary,
    read_inner_list,
    read_integer,
    read_string,
    write_bytes,
    write_string,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "ALGORITHMS",
    "ContentDigestError",
    "PublicKeyError",
    "PublicKeyLike",
    "RequestParts",
    "SignatureError",
    "SignatureInput",
    "check_content_digest",
    "content_digest",
    "header_fields",
    "parse_signature",
    "sign_request",
    "signature_base",
    "verify",
    "verify_request",
]

# Algorithm by curve. RFC 9421 registers none for secp256k1: that name is ours.
ALGORITHMS: Final = {
    "p256": "ecdsa-p256-sha256",
    "ed25519": "ed25519",
    "secp256k1": "ecdsa-secp256k1-sha256",
}
MAX_COMPONENTS: Final = 32
MAX_TEXT_CHARS: Final = 256
_INTEGERS: Final = frozenset({"created", "expires"})
_TEXTS: Final = frozenset({"keyid", "nonce", "alg", "tag"})


@dataclass(frozen=True, slots=True)
class SignatureInput:
    """
    One signature as it came, not yet verified.

    Args:
        components: What it covers, in order, such as ``@method``, ``content-digest`` and
            ``@query-param;name="a"``.
        created: Unix seconds.
        expires: Unix seconds; when both are given, behind *created*.
        raw: The signature parameters as they are signed.
    """

    label: str
    components: tuple[str, ...]
    created: int | None
    expires: int | None
    nonce: str | None
    keyid: str | None
    alg: str | None
    tag: str | None
    raw: str
    signature: bytes


def parse_signature(headers: Mapping[str, str], *, label: str | None = None) -> SignatureInput:
    """
    Read one signature from ``Signature-Input`` and ``Signature``. Verifies nothing.

    Args:
        headers: Names in lower case.
        label: Which signature; None for the only one.

    Raises:
        SignatureError: A field is missing or malformed, the two do not name the same signatures,
            or the one that was asked for is not there or not alone.

    Spec:
        RFC 9421 sections 4.1, 4.2 and 2.3.
    """
    inputs = _dictionary(headers, "signature-input")
    signatures = _dictionary(headers, "signature")
    if inputs.keys() != signatures.keys():
        raise SignatureError("expected the same labels in signature-input and signature")
    if label is None and len(inputs) == 1:
        label = next(iter(inputs))
    if label is None or label not in inputs:
        wanted = "one signature" if label is None else f"a signature labelled {label[:64]!r}"
        raise SignatureError(f"expected {wanted}, got {sorted(inputs)}")
    try:
        signature = read_bytes(signatures[label])
    except StructuredFieldError as error:
        raise SignatureError(f"signature: {error}") from None
    return _signature_input(label, inputs[label], signature)


def signature_base(request: RequestParts, signature: SignatureInput) -> bytes:
    """
    Return the bytes that *signature* is over, as this request has them.

    Raises:
        SignatureError: The request lacks a covered component, or has one that cannot be signed.

    Spec:
        RFC 9421 section 2.5.
    """
    lines = [f"{identifier(c)}: {component_value(request, c)}" for c in signature.components]
    lines.append(f'"@signature-params": {signature.raw}')
    return "\n".join(lines).encode("ascii")


def verify_request(
    public_key: PublicKeyLike, request: RequestParts, signature: SignatureInput
) -> bool:
    """
    Say whether *signature* is one over *request* by the holder of *public_key*.

    An ``alg`` that is not the key's makes it none. What has to be covered, the times, the nonce
    and the body's Content-Digest are for the caller to check.

    Raises:
        SignatureError: As `signature_base`.
        PublicKeyError: *public_key* is none.

    Spec:
        RFC 9421 section 3.2.
    """
    if signature.alg not in {None, ALGORITHMS.get(public_key.curve)}:
        return False
    return verify(public_key, signature_base(request, signature), signature.signature)


def sign_request(  # noqa: PLR0913 - an argument for each parameter of the standard
    request: RequestParts,
    *,
    keyid: str,
    created: int,
    nonce: str | None,
    alg: str | None,
    components: Sequence[str],
    sign: Callable[[bytes], bytes],
    expires: int | None = None,
    tag: str | None = None,
    label: str = "sig",
) -> dict[str, str]:
    """
    Return the two header fields that sign *request*.

    Args:
        request: Has ``content-digest`` among its headers if that is to be covered.
        components: Written as in `SignatureInput`.
        sign: Takes the signature base and returns 64 bytes, as `verify` wants them.

    Raises:
        SignatureError: The request lacks a component, a parameter breaks a limit, or *sign*
            returned something else than 64 bytes.
    """
    times = {"created": created, "expires": expires}
    texts = {"keyid": keyid, "nonce": nonce, "alg": alg, "tag": tag}
    try:
        written = [f";{n}={value}" for n, value in times.items() if value is not None]
        written += [f";{n}={write_string(text)}" for n, text in texts.items() if text is not None]
    except StructuredFieldError as error:
        raise SignatureError(f"signature parameters: {error}") from None
    covered = " ".join(identifier(check_component(name)) for name in components)
    raw = f"({covered}){''.join(written)}"
    base = signature_base(request, _signature_input(label, raw, b""))
    signature = sign(base)
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureError(
            f"expected a signature of {SIGNATURE_BYTES} bytes, got {len(signature)}"
        )
    fields = {
        "signature-input": f"{label}={raw}",
        "signature": f"{label}={write_bytes(signature)}",
    }
    parse_signature(fields, label=label)
    return fields


def _dictionary(headers: Mapping[str, str], name: str) -> dict[str, str]:
    text = headers.get(name)
    if text is None:
        raise SignatureError(f"expected the header field {name}, got none")
    try:
        return read_dictionary(text)
    except StructuredFieldError as error:
        raise SignatureError(f"{name}: {error}") from None


def _signature_input(label: str, raw: str, signature: bytes) -> SignatureInput:
    try:
        items, parameters = read_inner_list(raw)
        times = {n: read_integer(text) for n, text in parameters.items() if n in _INTEGERS}
        texts = {n: read_string(text) for n, text in parameters.items() if n in _TEXTS}
    except StructuredFieldError as error:
        raise SignatureError(f"signature-input: {error}") from None
    _check_parameters(parameters.keys() - _INTEGERS - _TEXTS, times, texts)
    # The quotes around the name go; a parameter behind it stays as it is.
    components = tuple(check_component(item[1:].replace('"', "", 1)) for item in items)
    if len(components) > MAX_COMPONENTS or len(set(components)) != len(components):
        raise SignatureError(
            f"expected at most {MAX_COMPONENTS} components, each once, got {len(components)}"
        )
    return SignatureInput(
        label=label,
        components=components,
        created=times.get("created"),
        expires=times.get("expires"),
        nonce=texts.get("nonce"),
        keyid=texts.get("keyid"),
        alg=texts.get("alg"),
        tag=texts.get("tag"),
        raw=raw,
        signature=signature,
    )


def _check_parameters(
    unknown: set[str], times: Mapping[str, int], texts: Mapping[str, str]
) -> None:
    """1. None unknown; 2. texts within the limit; 3. times not negative, and in order."""
    if unknown:  # 1
        raise SignatureError(f"signature-input: expected no parameter {min(unknown)!r}")
    if any(len(text) > MAX_TEXT_CHARS for text in texts.values()):  # 2
        raise SignatureError(
            f"signature-input: expected texts of at most {MAX_TEXT_CHARS} characters"
        )
    created, expires = times.get("created", 0), times.get("expires")
    if created < 0 or (expires is not None and expires <= created):  # 3
        raise SignatureError(f"signature-input: expected 0 <= created < expires, got {times}")

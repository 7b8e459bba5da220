"""What of a request an HTTP message signature can cover: RFC 9421, section 2."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = [
    "RequestParts",
    "SignatureError",
    "check_component",
    "component_value",
    "header_fields",
    "identifier",
]

MAX_QUERY_PARAMETERS: Final = 256
_SIGNATURE_FIELDS: Final = frozenset({"signature", "signature-input"})
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_FIELD: Final = re.compile(r"[a-z0-9!#$%&'*+\-.^_`|~]{1,64}")
_QUERY_PARAM: Final = re.compile(r'@query-param;name="([A-Za-z0-9*\-._%]{0,256})"')
_METHOD: Final = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,64}")
_AUTHORITY: Final = re.compile(
    r"(?:[A-Za-z0-9\-._~%!$&'()*+,;=]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
)
_PATH: Final = re.compile(r"/[!\"$->@-~]*+")
_QUERY: Final = re.compile(r"[!\"$-~]*+")
_VALUE: Final = re.compile(r"[\t -~]*+")
_URL: Final = re.compile(r"([A-Za-z]+)://([^/?#@\\]+)(/[^?#]*)?(?:\?([^#]*))?", re.DOTALL)


class SignatureError(ValueError):
    """A signature, or a request under one, that breaks the standard or our limits."""


@dataclass(frozen=True, slots=True)
class RequestParts:
    """
    What of a request can be signed.

    Args:
        scheme: As the client sees it: behind a proxy that ends TLS still ``https``.
        authority: Host and port as the client sees them; case and a default port do not count.
        path: As sent, percent-encoding untouched; empty is ``/``.
        query: As sent, without the ``?``; None where there is no ``?``.
        headers: Names in lower case.
    """

    method: str
    scheme: str
    authority: str
    path: str
    query: str | None
    headers: Mapping[str, str]

    @classmethod
    def from_url(cls, method: str, url: str, headers: Mapping[str, str]) -> RequestParts:
        """
        Take the parts from the URL that the request goes to.

        Raises:
            SignatureError: *url* is not absolute, or has user information or a fragment.
        """
        found = _URL.fullmatch(url)
        if found is None:
            raise SignatureError("expected an absolute URL without user information and fragment")
        scheme, authority, path, query = found.groups()
        return cls(method, scheme.lower(), authority, path or "/", query, headers)


def header_fields(lines: Iterable[tuple[str, str]]) -> dict[str, str]:
    """
    Return the header field lines of a signed request by name in lower case.

    Raises:
        SignatureError: A field is there twice: who signed and who reads could mean another one.
    """
    fields: dict[str, str] = {}
    for name, value in lines:
        lower = name.lower()
        if lower in fields:
            raise SignatureError(
                f"expected each header field of a signed request once, got {lower[:64]!r} twice"
            )
        fields[lower] = value
    return fields


def check_component(name: str) -> str:
    """
    Return *name* if it is a component that `component_value` knows.

    Args:
        name: Such as ``@method``, ``content-digest`` or ``@query-param;name="a"``.

    Raises:
        SignatureError: It is not; a signature over the signature fields is refused as well.
    """
    if name in _DERIVED or _QUERY_PARAM.fullmatch(name):
        return name
    if name in _SIGNATURE_FIELDS or not _FIELD.fullmatch(name):
        raise SignatureError(f"expected a component that can be signed here, got {name[:64]!r}")
    return name


def identifier(name: str) -> str:
    """Return the component *name* as the signature base writes it."""
    bare, semicolon, parameters = name.partition(";")
    return f'"{bare}"{semicolon}{parameters}'


def component_value(request: RequestParts, name: str) -> str:
    """
    Return the one line that stands for the component *name* of *request*.

    Raises:
        SignatureError: It is missing, or has a character that no signature base can have.

    Spec:
        RFC 9421 sections 2.1 and 2.2; 2.2.8 for the re-encoding of a query parameter.
    """
    if not name.startswith("@"):
        return _field(request.headers, name)
    derive = _DERIVED.get(name)
    return derive(request) if derive else _query_parameter(request, name)


def _field(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if value is None:
        raise SignatureError(
            f"expected the header field {name}, which the signature covers, got none"
        )
    return _checked(_VALUE, value, name).strip(" \t")


def _method(request: RequestParts) -> str:
    return _checked(_METHOD, request.method, "@method")


def _target_uri(request: RequestParts) -> str:
    query = "" if request.query is None else _query(request)
    return f"{_scheme(request)}://{_authority(request)}{_path(request)}{query}"


def _scheme(request: RequestParts) -> str:
    if request.scheme not in _DEFAULT_PORTS:
        raise SignatureError(f"@scheme: expected http or https, got {request.scheme[:20]!r}")
    return request.scheme


def _authority(request: RequestParts) -> str:
    authority = _checked(_AUTHORITY, request.authority, "@authority")
    return authority.lower().removesuffix(_DEFAULT_PORTS[_scheme(request)])


def _path(request: RequestParts) -> str:
    return _checked(_PATH, request.path or "/", "@path")


def _query(request: RequestParts) -> str:
    return f"?{_checked(_QUERY, request.query or '', '@query')}"


def _query_parameter(request: RequestParts, name: str) -> str:
    found = _QUERY_PARAM.fullmatch(name)
    if found is None:
        raise SignatureError(f"expected a component that can be signed here, got {name[:64]!r}")
    try:
        pairs = parse_qsl(
            _query(request)[1:], keep_blank_values=True, max_num_fields=MAX_QUERY_PARAMETERS
        )
    except ValueError:
        raise SignatureError(
            f"@query-param: expected at most {MAX_QUERY_PARAMETERS} parameters, got more"
        ) from None
    values = [value for key, value in pairs if _form_encoded(key) == found[1]]
    if len(values) != 1:
        raise SignatureError(
            f"{name}: expected the query parameter once, got it {len(values)} times"
        )
    return _form_encoded(values[0])


def _form_encoded(text: str) -> str:
    return quote(text, safe="*").replace("~", "%7E")


def _checked(pattern: re.Pattern[str], value: str, name: str) -> str:
    if not pattern.fullmatch(value):
        raise SignatureError(
            f"{name}: expected a value of printable ASCII that fits it, got another"
        )
    return value


_DERIVED: Final[dict[str, Callable[[RequestParts], str]]] = {
    "@method": _method,
    "@target-uri": _target_uri,
    "@authority": _authority,
    "@scheme": _scheme,
    "@path": _path,
    "@query": _query,
}

"""The authorisation policy a login may set: which client addresses may use its access tokens."""

import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address, ip_network
from typing import TypeAlias

from simulator.protocol.reading import Fields

IpPolicy: TypeAlias = Mapping[str, tuple[str, ...]]
"""By form, as in the request: addresses, ranges ``a-b``, masks ``a/n``; ten of each at most."""

_AT_MOST = 10
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IP = rf"(?:{_OCTET}\.){{3}}{_OCTET}"
_FORMS: Mapping[str, re.Pattern[str]] = {
    "ip4Addresses": re.compile(_IP),
    "ip4Ranges": re.compile(rf"{_IP}-{_IP}"),
    "ip4Masks": re.compile(rf"{_IP}/(?:[12]?[0-9]|3[0-2])"),
}


def read_policy(fields: Fields) -> IpPolicy | None:
    """``authorizationPolicy.allowedIps`` of a login request; None when it sets none."""
    if not fields.has("authorizationPolicy"):
        return None
    policy = fields.fields("authorizationPolicy")
    if not policy.has("allowedIps"):
        return None
    allowed = policy.fields("allowedIps")
    return {name: allowed.texts(name, pattern=form, at_most=_AT_MOST) for name, form in _FORMS.items()}


def ip_allowed(policy: IpPolicy | None, client: str) -> bool:
    """Whether a policy admits a client address; no policy, or an empty one, admits everybody."""
    if policy is None or not any(policy.values()):
        return True
    try:
        address = IPv4Address(client)
    except AddressValueError:
        return False
    ranges = (entry.split("-") for entry in policy.get("ip4Ranges", ()))
    return (
        client in policy.get("ip4Addresses", ())
        or any(IPv4Address(first) <= address <= IPv4Address(last) for first, last in ranges)
        or any(address in ip_network(mask, strict=False) for mask in policy.get("ip4Masks", ()))
    )

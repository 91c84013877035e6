"""Only addresses that registries assign count as public; everything else is refused."""

from __future__ import annotations

import ipaddress

import pytest

from agentforge import outbound
from agentforge.public_addresses import is_public

# Words in a text: a list of strings would be one line each.
PRIVATE = """
0.1.2.3 10.1.2.3 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.255.255.254 168.63.129.16
169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1
198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:8.8.8.8 64:ff9b::a00:1 64:ff9b::7f00:1
64:ff9b:1::808:808 64:ff9b:0:1::1 100::1 100:0:0:1::1 1fff::1 2001:0:7f00:1:: 2001:0:4136:e378::1 2001:1::1
2001:2::1 2001:10::1 2001:20::1 2001:1ff::1 2001:db8::1 2002:7f00:1:: 2002:808:808::1 2003:4000::1 2420::1
2620:4f:8000::1 2640::1 3000::1 3ffe::1 3fff::1 3fff:fff::1 4000::1 5f00::1 8000::1 c000::1 fc00::1
fd00:ec2::254 fe00::1 fe80::1 fe80::1%eth0 2606:4700::1111%eth0 fec0::1 feff::1 ff02::1 ff0e::1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.0.0.1 128.0.0.1 168.63.129.15
169.253.0.1 172.15.255.255 172.32.0.1 192.0.1.1 192.167.0.1 192.169.0.1 198.17.0.1 198.20.0.1 223.255.255.254
2001:200::1 2001:4860:4860::8888 2003::1 2400:cb00::1 2404:6800::1 2606:4700::1111 2620:fe::fe 2a00:1450::1
2a01:4f8::1 2a10:50c0::1 2803:f800::1 2c0f:f248::1 64:ff9b::808:808
"""


@pytest.mark.parametrize("address", [str(ipaddress.ip_address(0)), *PRIVATE.split()])
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["[fec0::1]", "[3fff::1]", "[2002:7f00:1::]", "[::ffff:10.0.0.1]"])
def test_a_url_with_such_an_address_is_refused(host: str) -> None:
    with pytest.raises(outbound.RefusedURL):
        outbound.fetch("GET", f"http://{host}/")

"""Who may use a server of ours."""

from pathlib import Path

import pytest

from pyplugin.errors import ConfigError
from pyplugin.web.access import POLICY, access_to


def test_on_loopback_no_token_is_needed_but_the_host_is_checked(tmp_path: Path) -> None:
    access = access_to("127.0.0.1", str(tmp_path), pytest.fail, base_url="https://radio.example/x")
    assert access.token == ""
    assert list(access.hosts) == ["localhost", "127.0.0.1", "::1", "radio.example"]


def test_elsewhere_the_token_is_made_once(tmp_path: Path) -> None:
    said: list[str] = []
    first = access_to("0.0.0.0", str(tmp_path), said.append, guarded=("/api/",))
    again = access_to("0.0.0.0", str(tmp_path), said.append)
    assert first.token == again.token
    assert first.guarded == ("/api/",)
    assert len(said) == 1
    assert first.token in said[0]
    assert access_to("0.0.0.0", str(tmp_path / "not/yet"), said.append).token != first.token
    with pytest.raises(ConfigError, match="cannot be used"):
        access_to("0.0.0.0", str(tmp_path / "token/none"), said.append)  # a file is no folder


def test_pages_load_from_their_own_server_only() -> None:
    assert POLICY.startswith("default-src 'self';")
    assert "unsafe" not in POLICY

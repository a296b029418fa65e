"""金库 — what is sealed opens only in its place, with its key, untouched."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shouye.base.kernel import (
    Mode,
    Vault,
    VaultLost,
    VaultMissing,
    VaultUnreadable,
    make_vault,
    open_vault,
    rotate_vault,
    vault_for,
    vault_path,
)
from shouye.base.kernel.vault import KEY_SETTING, VaultExists, VaultExposed, VaultHomeless

VAULT = Vault({1: bytes(32)})
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(place=TEXT, value=TEXT)
def test_what_is_sealed_opens_in_its_place(place: str, value: str) -> None:
    sealed = VAULT.seal(place, value)
    assert VAULT.open(place, sealed) == value
    assert VAULT.seal(place, value) == sealed, "a drill seals the same bytes each time"
    with pytest.raises(VaultUnreadable):
        VAULT.open(place + "x", sealed)


@given(at=st.integers(0, 51), by=st.integers(1, 255))
def test_a_touched_byte_does_not_open(at: int, by: int) -> None:
    sealed = bytearray(base64.b64decode(VAULT.seal("contact:1:mobile", "13800000000").partition(":")[2]))
    sealed[at % len(sealed)] ^= by
    with pytest.raises(VaultUnreadable):
        VAULT.open("contact:1:mobile", f"1:{base64.b64encode(bytes(sealed)).decode()}")


@pytest.mark.parametrize("sealed", ["", "1:", "1:!!", "2:AAAA", "x:AAAA", "1:" + "A" * 40])
def test_what_was_never_sealed_does_not_open(sealed: str) -> None:
    with pytest.raises(VaultUnreadable):
        VAULT.open("contact:1:mobile", sealed)


def test_an_equal_nonce_never_seals_two_values() -> None:
    """The nonce stands in front; it follows from place and value."""
    made = {VAULT.seal(place, value)[:18] for place in ("a", "b", "ab") for value in ("", "b", "1", "2")}
    assert len(made) == 12


def test_a_trace_is_equal_for_equal_values_and_tells_nothing_without_the_key() -> None:
    other = Vault({1: bytes(31) + b"1"})
    assert VAULT.trace("13800000000") == VAULT.trace("13800000000") != VAULT.trace("13800000001")
    assert other.trace("13800000000") != VAULT.trace("13800000000")


def test_a_lost_key_is_asked_for_and_not_made_anew(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'city.db'}"
    made = vault_for(url, Mode.SIMULATION)
    vault_path(url).unlink()
    with pytest.raises(VaultLost, match="放回"):
        vault_for(url, Mode.SIMULATION, new=False)
    assert not vault_path(url).exists()
    assert vault_for(url, Mode.SIMULATION).trace("1") != made.trace("1"), "another key would open nothing"


def test_the_key_lies_in_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "contacts.key"
    with pytest.raises(VaultMissing):
        open_vault(path, make=False)
    sealed = open_vault(path, make=True).seal("p", "v")
    assert path.stat().st_mode & 0o777 == 0o600
    assert open_vault(path, make=False).open("p", sealed) == "v"
    with pytest.raises(VaultExists):
        make_vault(path)
    path.chmod(0o640)
    with pytest.raises(VaultExposed):
        open_vault(path, make=True)


@pytest.mark.parametrize("content", ["", "1:zz", "1:00", "nonsense", "1:" + "0" * 63])
def test_a_broken_file_is_said_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "contacts.key"
    path.touch(0o600)
    path.write_text(content, "ascii")
    with pytest.raises(VaultUnreadable):
        open_vault(path, make=True)


def test_after_a_change_of_keys_old_seals_still_open(tmp_path: Path) -> None:
    path = tmp_path / "contacts.key"
    old = open_vault(path, make=True)
    sealed = old.seal("p", "v")
    new = rotate_vault(path)
    assert new.open("p", sealed) == "v"
    assert new.seal("p", "v") != sealed
    with pytest.raises(VaultUnreadable):
        old.open("p", new.seal("p", "v"))
    assert path.stat().st_mode & 0o777 == 0o600


def test_where_the_key_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_SETTING)
    assert vault_path("sqlite:///some/where/night.sqlite") == Path("some/where/keys/contacts.key")
    beside = Path("data/keys")
    assert vault_path("sqlite:///some/where/night.sqlite", beside) == Path("some/where/keys/contacts.key")
    assert vault_path("postgresql://host/base", beside) == Path("data/keys/contacts.key")
    with pytest.raises(VaultHomeless, match="SHOUYE_CONTACT_KEY"):
        vault_path("postgresql://host/base")
    monkeypatch.setenv(KEY_SETTING, "elsewhere/k")
    assert vault_path("postgresql://host/base") == Path("elsewhere/k")

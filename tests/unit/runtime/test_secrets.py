"""Secrets: found by their names, sealed for one row, never shown."""

import base64
from pathlib import Path

import pytest
from pydantic import SecretStr

from runtime.errors import ConfigurationError, OperatorNeeded
from runtime.secrets import Sealer, new_key, resolve

KEY = SecretStr(base64.b64encode(bytes(range(32))).decode())
OTHER_KEY = SecretStr(base64.b64encode(bytes(32)).decode())


def test_a_sealed_value_opens_for_the_row_it_was_sealed_for() -> None:
    sealed = Sealer(KEY).seal(b"hunter2", bound_to="session:1")

    assert Sealer(KEY).unseal(sealed, bound_to="session:1") == b"hunter2"
    assert b"hunter2" not in sealed


def test_the_same_value_is_sealed_differently_each_time() -> None:
    sealer = Sealer(KEY)

    assert sealer.seal(b"hunter2", bound_to="a") != sealer.seal(b"hunter2", bound_to="a")


@pytest.mark.parametrize(
    ("key", "bound_to"), [(KEY, "session:2"), (KEY, ""), (OTHER_KEY, "session:1")], ids=["row", "none", "key"]
)
def test_a_sealed_value_opens_for_no_other_row_and_under_no_other_key(key: SecretStr, bound_to: str) -> None:
    sealed = Sealer(KEY).seal(b"hunter2", bound_to="session:1")

    with pytest.raises(OperatorNeeded, match="KSEF_SECRETS__MASTER_KEY"):
        Sealer(key).unseal(sealed, bound_to=bound_to)


@pytest.mark.parametrize("position", [1, 13, -1])
def test_a_damaged_value_does_not_open(position: int) -> None:
    sealed = bytearray(Sealer(KEY).seal(b"hunter2", bound_to="a"))
    sealed[position] ^= 1

    with pytest.raises(OperatorNeeded):
        Sealer(KEY).unseal(bytes(sealed), bound_to="a")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(12), b"\x02" + bytes(40)])
def test_what_was_never_sealed_in_this_form_does_not_open(sealed: bytes) -> None:
    with pytest.raises(OperatorNeeded):
        Sealer(KEY).unseal(sealed, bound_to="a")


def test_a_new_key_is_a_key_and_always_another() -> None:
    first, second = new_key(), new_key()

    assert len(base64.b64decode(first)) == 32
    assert first != second
    Sealer(SecretStr(first))


@pytest.mark.parametrize("key", [None, SecretStr("hunter2"), SecretStr(base64.b64encode(bytes(16)).decode())])
def test_a_missing_or_malformed_master_key_is_refused_and_not_quoted(key: SecretStr | None) -> None:
    with pytest.raises(ConfigurationError, match="KSEF_SECRETS__MASTER_KEY") as refused:
        Sealer(key)

    assert "hunter2" not in str(refused.value)


def test_the_sealer_shows_no_key() -> None:
    assert KEY.get_secret_value() not in repr(Sealer(KEY))


def test_a_secret_is_found_in_a_file_or_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text(" hunter2\n")
    monkeypatch.setenv("KSEF_TEST_TOKEN", "hunter3")

    found = resolve(f"file:{tmp_path}/token"), resolve("env:KSEF_TEST_TOKEN")

    assert [secret.get_secret_value() for secret in found] == ["hunter2", "hunter3"]
    assert "hunter" not in repr(found)


@pytest.mark.parametrize("reference", ["file:/nowhere/token", "env:KSEF_TEST_ABSENT", "env:KSEF_TEST_BLANK"])
def test_a_secret_that_is_not_there_is_an_operators_matter_and_named(
    monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    monkeypatch.setenv("KSEF_TEST_BLANK", "  ")

    with pytest.raises(OperatorNeeded, match=reference):
        resolve(reference)


def test_a_secret_that_is_not_text_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"hunter2\xff")

    with pytest.raises(OperatorNeeded) as refused:
        resolve(f"file:{tmp_path}/token")

    assert "hunter2" not in str(refused.value)
    assert refused.value.__suppress_context__

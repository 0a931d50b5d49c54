"""Under whose name an act is kept."""

import os

import pytest

from cli.who import who


def test_who_says_it_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ola")

    assert (who("anna"), who(None)) == ("anna", "ola")


def test_a_user_without_a_name_is_asked_for_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)

    with pytest.raises(SystemExit) as ended:
        who(None)

    assert ended.value.code == 2
    assert "say who does this with --as" in capsys.readouterr().err

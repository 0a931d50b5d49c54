"""Settings from the environment: ``KSEF_<SERVICE>__<OPTION>``, secrets also as ``…_FILE``.

Frozen, checked at start, printed redacted. What may not be guessed (the KSeF environment, addresses) has no
default.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from runtime.errors import ConfigurationError

PREFIX = "KSEF_"
Environment = Literal["test", "demo", "production"]


def _content_of(path: Path, *, option: str) -> str:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        raise ValueError(f"{option}: cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{option}: {path} is not UTF-8 text") from None


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *get_args(field.annotation))


class Section(BaseModel):
    """One group of options: ``KSEF_<SECTION>__<OPTION>``. A misspelt option is refused.

    A secret may come from a file instead, named by ``KSEF_<SECTION>__<OPTION>_FILE``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, options: Any) -> Any:
        if not isinstance(options, dict):
            return options
        read = dict(options)
        for name, field in cls.model_fields.items():
            path = read.pop(f"{name}_file", None) if _is_secret(field) else None
            if path is None:
                continue
            if read.get(name) is not None:
                raise ValueError(f"{name.upper()} and {name.upper()}_FILE are both set: keep one")
            read[name] = _content_of(Path(path), option=f"{name.upper()}_FILE")
        return read


class KafkaSettings(Section):
    bootstrap_servers: str
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    session_timeout_seconds: float = Field(default=30, ge=6)
    """How long the partitions of a killed worker wait for another one; brokers refuse less than 6."""
    topic_prefix: str = Field(default="", pattern=r"^([a-z0-9]+\.)?$")
    """Several installations on one cluster: ``team1.`` stands before every topic and group."""
    replication_factor: int = Field(default=3, ge=1)
    """For topics that ``topics apply`` creates; min.insync.replicas follows from it."""

    @model_validator(mode="after")
    def _has_credentials(self) -> Self:
        credentials = (self.sasl_username, self.sasl_password)
        if self.security_protocol.startswith("SASL") and None in credentials:
            raise ValueError(f"{self.security_protocol} needs SASL_USERNAME and SASL_PASSWORD")
        return self


class PostgresSettings(Section):
    dsn: SecretStr
    ca_file: Path | None = None
    """Verifies the server's certificate and name; without it TLS is as the DSN's ``sslmode`` says."""
    cert_file: Path | None = None
    key_file: Path | None = None
    pool_size: int = Field(default=8, ge=2)
    statement_timeout_seconds: float = Field(default=30, gt=0)


class StageSettings(Section):
    batch_seconds: float = Field(default=60, gt=0)
    """How long a handler may take over a batch. Without progress for twice as long, a worker ends itself."""


class HttpSettings(Section):
    """Outgoing HTTP."""

    proxy: SecretStr | None = None
    """Address of a proxy; may carry a user and password."""
    ca_file: Path | None = None
    """A CA bundle to trust instead of the packaged one."""


class ProbeSettings(Section):
    """Where ``/livez``, ``/readyz`` and ``/metrics`` listen. They change nothing and show no document."""

    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65535)
    """0 takes a free port; the log line ``probes_listening`` names it."""


class LogSettings(Section):
    level: Literal["debug", "info", "warning", "error"] = "info"


class TracingSettings(Section):
    exporter: Literal["none", "otlp", "file"] = "none"
    """``otlp`` needs the extra of that name and takes the standard OTEL_EXPORTER_OTLP_* variables."""
    directory: Path | None = None
    """For ``file``: one file of JSON lines per process."""
    sample_ratio: float = Field(default=0.05, ge=0, le=1)
    """Share of documents traced when their publisher did not decide."""


class SecretsSettings(Section):
    master_key: SecretStr | None = None
    """32 bytes, Base64: seals session keys in the database. ``ksef-courier secrets new-key`` makes one."""


class CoherenceSettings(Section):
    interval_seconds: float = Field(default=60, gt=0)
    """How often a worker looks whether its tables agree with each other."""


class Settings(BaseSettings):
    """What every worker needs. A service adds its own section by subclassing."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        nested_model_default_partial_update=True,
    )

    environment: Environment
    """The KSeF this installation speaks to; stamped into the database by the first ``migrate``."""
    kafka: KafkaSettings
    postgres: PostgresSettings
    stage: StageSettings = StageSettings()
    http: HttpSettings = HttpSettings()
    probe: ProbeSettings = ProbeSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
    secrets: SecretsSettings = SecretsSettings()
    coherence: CoherenceSettings = CoherenceSettings()

    def redacted(self) -> dict[str, Any]:
        """All options for a log line: secrets show as asterisks."""
        return self.model_dump(mode="json")

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises :class:`ConfigurationError` with one line per problem."""
        try:
            return cls()
        except ValidationError as error:
            lines = [line for problem in error.errors(include_input=False) for line in _explain(problem, cls)]
            raise ConfigurationError("the settings are not complete:\n  " + "\n  ".join(lines)) from None
        except SettingsError as error:
            raise ConfigurationError(f"the settings cannot be read: {error}") from None


def _explain(problem: ErrorDetails, settings: type[Settings]) -> Iterator[str]:
    location = [str(part) for part in problem["loc"]]
    if problem["type"] == "missing":
        yield from (f"{_variable(path)}: is not set" for path in _required(location, settings))
    else:
        yield f"{_variable(location)}: {problem['msg'].removeprefix('Value error, ')}"


def _variable(path: list[str]) -> str:
    return PREFIX + "__".join(path).upper()


def _required(path: list[str], settings: type[Settings]) -> list[list[str]]:
    """What to set so that ``path`` is not missing: a section as a whole means its required options."""
    field = settings.model_fields.get(path[0])
    section = field.annotation if field is not None and len(path) == 1 else None
    if isinstance(section, type) and issubclass(section, Section):
        return [[*path, name] for name, option in section.model_fields.items() if option.is_required()]
    return [path]

"""Settings from the environment: ``KSEF_<SERVICE>__<OPTION>``, secrets also as ``…_FILE``.

Frozen, checked at start, printed redacted. What may not be guessed (the KSeF environment, addresses) has no
default.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.errors import ConfigurationError

PREFIX = "KSEF_"
Environment = Literal["test", "demo", "production"]


class Section(BaseModel):
    """One group of options: ``KSEF_<SECTION>__<OPTION>``. A misspelt option is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(Section):
    bootstrap_servers: str
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    topic_prefix: str = Field(default="", pattern=r"^([a-z0-9]+\.)?$")
    """Several installations on one cluster: ``team1.`` stands before every topic and group."""
    replication_factor: int = Field(default=3, ge=1)
    """For topics that ``topics apply`` creates; min.insync.replicas follows from it."""


class PostgresSettings(Section):
    dsn: SecretStr
    ca_file: Path | None = None
    """Verifies the server's certificate and name; without it TLS is as the DSN's ``sslmode`` says."""
    cert_file: Path | None = None
    key_file: Path | None = None
    pool_size: int = Field(default=8, ge=2)
    statement_timeout_seconds: float = Field(default=30, gt=0)


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
    http: HttpSettings = HttpSettings()
    probe: ProbeSettings = ProbeSettings()
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
    secrets: SecretsSettings = SecretsSettings()

    def redacted(self) -> dict[str, Any]:
        """All options for a log line: secrets show as asterisks."""
        return self.model_dump(mode="json")

    @classmethod
    def load(cls) -> Self:
        """Read the environment. Raises :class:`ConfigurationError` with one line per problem."""
        try:
            return cls(**_secrets_from_files(cls, os.environ))
        except ValidationError as error:
            raise ConfigurationError(_explain(error)) from None


S = TypeVar("S", bound=Settings)


def _secrets_from_files(model: type[BaseModel], environ: Mapping[str, str]) -> dict[str, Any]:
    """Nested keyword arguments for the secrets that are given as ``<NAME>_FILE``."""
    found: dict[str, Any] = {}
    for path in _secret_paths(model):
        name = PREFIX + "__".join(path).upper()
        file_name = environ.get(f"{name}_FILE")
        if file_name is None:
            continue
        if name in environ:
            raise ConfigurationError(f"both {name} and {name}_FILE are set: keep one")
        section = found
        for part in path[:-1]:
            section = section.setdefault(part, {})
        try:
            section[path[-1]] = Path(file_name).read_text().rstrip("\n")
        except OSError as error:
            raise ConfigurationError(f"{name}_FILE: cannot read {file_name}: {error.strerror}") from error
    return found


def _secret_paths(model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        inner = _types_of(field)
        if SecretStr in inner:
            yield (name,)
        for type_ in inner:
            if isinstance(type_, type) and issubclass(type_, BaseModel):
                yield from ((name, *rest) for rest in _secret_paths(type_))


def _types_of(field: FieldInfo) -> tuple[Any, ...]:
    return get_args(field.annotation) or (field.annotation,)


def _explain(error: ValidationError) -> str:
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        name = PREFIX + "__".join(str(part) for part in problem["loc"]).upper()
        lines.append(f"{name}: {'is not set' if problem['type'] == 'missing' else problem['msg']}")
    return "the settings are not complete:\n  " + "\n  ".join(lines)

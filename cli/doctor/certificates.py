"""The TLS files that the settings name: readable, in force, and for some time to come."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from cli.doctor.findings import Finding, Findings, ok, problem, warning
from cli.doctor.installation import Installation
from runtime.settings import Settings

SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file, and the setting that names it."""

    setting: str
    path: Path


async def certificates(installation: Installation) -> Findings:
    """Certificates and keys of Kafka, PostgreSQL and outgoing HTTP."""
    now = installation.clock()
    for finding in examined(installation.settings, now=now):
        yield finding


def examined(settings: Settings, *, now: datetime) -> Iterator[Finding]:
    """The findings about all files that the settings name."""
    files = _files(settings)
    for file in files:
        try:
            yield _key(file) if file.setting.endswith("KEY_FILE") else _certificates(file, now=now)
        except OSError as error:
            yield problem(
                f"{file.setting}: cannot read {file.path}: {error.strerror}", mend="put the file there"
            )
    for section in ("KAFKA", "POSTGRES"):
        pair = [
            file for file in files if file.setting in (f"{_of(section)}CERT_FILE", f"{_of(section)}KEY_FILE")
        ]
        if len(pair) == 2 and not _belong_together(*pair):
            yield problem(
                f"{pair[1].setting}: the key does not belong to the certificate of {pair[0].setting}",
                mend="take the key and the certificate from the same request",
            )
    if not files:
        yield ok("the settings name no TLS files")


def _of(section: str) -> str:
    return f"KSEF_{section}__"


def _files(settings: Settings) -> list[NamedFile]:
    """In the order of their sections; a certificate before its key."""
    named = {
        f"{_of(section)}{option.upper()}": getattr(options, option, None)
        for section, options in (
            ("KAFKA", settings.kafka),
            ("POSTGRES", settings.postgres),
            ("HTTP", settings.http),
        )
        for option in ("ca_file", "cert_file", "key_file")
    }
    return [NamedFile(setting, path) for setting, path in named.items() if path is not None]


def _certificates(file: NamedFile, *, now: datetime) -> Finding:
    """Of a chain the first counts; of a bundle of authorities the one that is good for longest."""
    try:
        found = x509.load_pem_x509_certificates(file.path.read_bytes())
    except ValueError:
        return problem(f"{file.setting}: {file.path} holds no PEM certificate", mend="put one there")
    is_bundle = file.setting.endswith("CA_FILE")
    certificate = max(found, key=lambda one: one.not_valid_after_utc) if is_bundle else found[0]
    until = certificate.not_valid_after_utc
    if until <= now:
        return problem(f"{file.setting}: expired on {until:%Y-%m-%d}", mend="put a new certificate there")
    if certificate.not_valid_before_utc > now:
        return problem(
            f"{file.setting}: not in force before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            mend="check this machine's clock, or wait",
        )
    if until <= now + SOON:
        return warning(
            f"{file.setting}: expires on {until:%Y-%m-%d}", mend="renew it; then restart the workers"
        )
    return ok(f"{file.setting}: in force until {until:%Y-%m-%d}")


def _key(file: NamedFile) -> Finding:
    try:
        load_pem_private_key(file.path.read_bytes(), password=None)
    except (ValueError, TypeError):
        return problem(
            f"{file.setting}: {file.path} holds no PEM key that opens without a password",
            mend="put the key there unencrypted, readable by the worker alone",
        )
    return ok(f"{file.setting}: readable")


def _belong_together(certificate: NamedFile, key: NamedFile) -> bool:
    """True as well when one of them cannot be read: that was found already."""
    try:
        public = x509.load_pem_x509_certificates(certificate.path.read_bytes())[0].public_key()
        private = load_pem_private_key(key.path.read_bytes(), password=None).public_key()
    except (OSError, ValueError, TypeError):
        return True
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(*form) == private.public_bytes(*form)

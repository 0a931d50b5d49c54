"""The doctor's judgements that need no server: clocks, certificates, disks, and parts that fail."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from cli.doctor.certificates import examined
from cli.doctor.clocks import compared
from cli.doctor.disk import GIB, space
from cli.doctor.findings import Finding, Findings, Part, examine, ok
from runtime.settings import HttpSettings, KafkaSettings, PostgresSettings, Settings

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kafka")])


def pem(key: ec.EllipticCurvePrivateKey, *, begins: timedelta, ends: timedelta) -> bytes:
    builder = x509.CertificateBuilder(
        issuer_name=NAME,
        subject_name=NAME,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=NOW + begins,
        not_valid_after=NOW + ends,
    )
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


DAY = timedelta(days=1)


def judged(kafka: KafkaSettings | None = None, http: HttpSettings | None = None) -> list[Finding]:
    settings = Settings.model_construct(
        kafka=kafka or KafkaSettings(bootstrap_servers="x"),
        postgres=PostgresSettings(dsn=SecretStr("x")),
        http=http or HttpSettings(),
    )
    return list(examined(settings, now=NOW))


@pytest.mark.parametrize(
    ("begins", "ends", "judgement"),
    [
        (-DAY, 31 * DAY, "ok: in force until 2026-12-03"),
        (-DAY, 29 * DAY, "warning: expires on 2026-12-01"),
        (-9 * DAY, -DAY, "problem: expired on 2026-11-01"),
        (DAY, 99 * DAY, "problem: not in force before 2026-11-03 12:00 UTC"),
    ],
)
def test_a_certificate_is_judged_by_its_days(
    tmp_path: Path, key: ec.EllipticCurvePrivateKey, begins: timedelta, ends: timedelta, judgement: str
) -> None:
    path = tmp_path / "cert.pem"
    path.write_bytes(pem(key, begins=begins, ends=ends))

    (finding,) = judged(KafkaSettings(bootstrap_servers="x", cert_file=path))

    level, _, text = judgement.partition(": ")
    assert (finding.level, finding.text) == (level, f"KSEF_KAFKA__CERT_FILE: {text}")
    assert bool(finding.mend) == (level != "ok")


def test_a_bundle_is_good_while_one_of_its_authorities_is(
    tmp_path: Path, key: ec.EllipticCurvePrivateKey
) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(pem(key, begins=-9 * DAY, ends=-DAY) + pem(key, begins=-DAY, ends=99 * DAY))

    (finding,) = judged(http=HttpSettings(ca_file=path))

    assert (finding.level, finding.text) == ("ok", "KSEF_HTTP__CA_FILE: in force until 2027-02-09")


def test_a_key_of_another_certificate_is_found(tmp_path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    cert, other = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(pem(key, begins=-DAY, ends=99 * DAY))
    other.write_bytes(key_pem(ec.generate_private_key(ec.SECP256R1())))

    findings = judged(KafkaSettings(bootstrap_servers="x", cert_file=cert, key_file=other))

    assert [finding.level for finding in findings] == ["ok", "ok", "problem"]
    assert findings[2].text == (
        "KSEF_KAFKA__KEY_FILE: the key does not belong to the certificate of KSEF_KAFKA__CERT_FILE"
    )


def test_a_key_of_its_certificate_is_well(tmp_path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    cert, own = tmp_path / "cert.pem", tmp_path / "key.pem"
    cert.write_bytes(pem(key, begins=-DAY, ends=99 * DAY))
    own.write_bytes(key_pem(key))

    findings = judged(KafkaSettings(bootstrap_servers="x", cert_file=cert, key_file=own))

    assert [finding.level for finding in findings] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "KSEF_KAFKA__CERT_FILE: cannot read {path}: No such file or directory"),
        (b"nonsense", "KSEF_KAFKA__CERT_FILE: {path} holds no PEM certificate"),
    ],
)
def test_a_file_that_is_no_certificate_is_named(tmp_path: Path, content: bytes | None, text: str) -> None:
    path = tmp_path / "cert.pem"
    if content is not None:
        path.write_bytes(content)

    (finding,) = judged(KafkaSettings(bootstrap_servers="x", cert_file=path))

    assert (finding.level, finding.text) == ("problem", text.format(path=path))


@pytest.mark.parametrize(
    ("skew_seconds", "level", "text"),
    [
        (0.4, "ok", "this machine's clock agrees with KSeF's"),
        (6, "warning", "this machine's clock is 6.0 s behind KSeF's"),
        (-6, "warning", "this machine's clock is 6.0 s ahead of KSeF's"),
        (61, "problem", "this machine's clock is 61.0 s behind KSeF's"),
        (-3600, "problem", "this machine's clock is 3600.0 s ahead of KSeF's"),
    ],
)
def test_a_clock_is_compared_with_the_middle_of_the_call(skew_seconds: float, level: str, text: str) -> None:
    theirs = NOW + timedelta(seconds=skew_seconds)

    finding = compared("KSeF's", theirs, between=(NOW - timedelta(seconds=2), NOW + timedelta(seconds=2)))

    assert (finding.level, finding.text) == (level, text)


@pytest.mark.parametrize(
    ("free", "total", "level"),
    [(50, 100, "ok"), (4, 50, "warning"), (9, 200, "warning"), (0.9, 10, "problem"), (3, 200, "problem")],
)
def test_free_space_is_judged_by_size_and_share(free: float, total: float, level: str) -> None:
    assert space("traces", free=int(free * GIB), total=int(total * GIB)).level == level


async def well() -> Findings:
    yield ok("well")


async def hanging() -> Findings:
    yield ok("so far")
    await asyncio.Event().wait()


async def failing() -> Findings:
    yield ok("so far")
    raise LookupError("hunter2")


async def test_a_part_that_hangs_or_fails_hides_no_other_one_and_keeps_what_it_found() -> None:
    parts = [Part("a", hanging, "wait"), Part("b", failing, "mend"), Part("c", well, "nothing")]

    reports = await examine(parts, seconds=0.1)

    found = {report.part: list(report.findings) for report in reports}
    assert found == {
        "a": [ok("so far"), Finding("problem", "no answer within 0.1 s", "wait")],
        "b": [ok("so far"), Finding("problem", "LookupError", "mend")],
        "c": [ok("well")],
    }

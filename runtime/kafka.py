"""How every Kafka client of ours connects, and why it could not."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.helpers import create_ssl_context

from runtime.errors import Refused
from runtime.settings import KafkaSettings

_CREDENTIALS = (SaslAuthenticationFailed, UnsupportedSaslMechanismError, IllegalSaslStateError)

STOP_SECONDS = 5.0


def connection_options(settings: KafkaSettings) -> dict[str, Any]:
    """Keyword arguments of aiokafka's clients: addresses, TLS, SASL."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
    }
    if settings.security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    if settings.security_protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password and settings.sasl_password.get_secret_value(),
        }
    return options


def _ssl_context(settings: KafkaSettings) -> ssl.SSLContext:
    context: ssl.SSLContext = create_ssl_context(
        cafile=settings.ca_file and str(settings.ca_file),
        certfile=settings.cert_file and str(settings.cert_file),
        keyfile=settings.key_file and str(settings.key_file),
    )
    return context


async def stop_quietly(client: Any) -> None:
    """Stop a client that nothing depends on any more, within ``STOP_SECONDS``.

    Its ``stop`` waits for a broker that may be away, and its own cancelled tasks may come out of it as our
    cancellation.
    """
    stop = asyncio.ensure_future(client.stop())
    await asyncio.wait([stop], timeout=STOP_SECONDS)
    stop.cancel()
    await asyncio.gather(stop, return_exceptions=True)


async def connect(start: Callable[[], Awaitable[None]], settings: KafkaSettings) -> None:
    """Call a client's ``start``; :class:`Refused` when a broker is there and does not take us.

    The client says only that it could not connect, which would be waited for as for a broker that is away.
    """
    try:
        await start()
    except ClusterAuthorizationFailedError as error:
        # What an idempotent producer is told that may not write to any topic.
        who = f"User:{settings.sasl_username}" if settings.sasl_username else "this client's principal"
        raise Refused(f"{who} may write to no topic: run `ksef-courier topics acl --apply`") from error
    except KafkaConnectionError as error:
        if refused := await _refusal(settings):
            raise refused from error
        raise


async def _refusal(settings: KafkaSettings) -> Refused | None:
    options = connection_options(settings)
    host, port, _ = collect_hosts(options.pop("bootstrap_servers"))[0]
    try:
        connection = await create_conn(host, port, request_timeout_ms=5_000, **options)
    except _CREDENTIALS as error:
        who = f"user {settings.sasl_username!r} by {settings.sasl_mechanism}"
        return Refused(
            f"Kafka at {host}:{port} refuses {who} ({type(error).__name__}): check "
            "KSEF_KAFKA__SASL_USERNAME, …PASSWORD and …MECHANISM"
        )
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason
        return Refused(
            f"no TLS with Kafka at {host}:{port} ({reason}): check KSEF_KAFKA__CA_FILE, and …CERT_FILE and "
            "…KEY_FILE if the brokers ask for them"
        )
    except (KafkaError, OSError):
        return None
    connection.close()
    return None

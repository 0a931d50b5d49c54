"""KSeF: reachable, its public keys, its clock, and the login of every configured company."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import ksef
from cli.doctor.clocks import compared
from cli.doctor.findings import Finding, Findings, ok, problem, warning
from cli.doctor.installation import Installation
from contracts.config import CompanyConfig
from runtime.clock import Clock
from runtime.errors import OperatorNeeded
from runtime.secrets import resolve
from services.sender.gateway import environment_of, http_options

LOGINS_AT_A_TIME = 8
KEY_SOON = timedelta(days=7)


@dataclass(slots=True)
class _Listening(AbstractAsyncContextManager["_Listening"]):
    """A transport that notes the ``Date`` of the last answer and between which moments of ours it came."""

    transport: ksef.HttpxTransport
    clock: Clock
    date: datetime | None = None
    between: tuple[datetime, datetime] | None = None

    async def __aenter__(self) -> Self:
        await self.transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.transport.__aexit__(kind, error, trace)

    async def send(self, request: ksef.HttpRequest) -> ksef.HttpResponse:
        before = self.clock()
        response = await self.transport.send(request)
        if "date" in response.headers:
            # Whole seconds, cut off: on average half a second has gone by.
            self.date = parsedate_to_datetime(response.headers["date"]) + timedelta(seconds=0.5)
            self.between = (before, self.clock())
        return response


async def authority(installation: Installation) -> Findings:
    """All of it, with a client of the doctor's own; its tokens are forgotten with it."""
    async with _client(installation) as (client, listening):
        keys = await client.public_keys()
        yield ok(f"KSeF ({client.environment.name}) answers at {client.environment.api_url}")
        if listening.date is not None and listening.between is not None:
            yield compared("KSeF's", listening.date, between=listening.between)
        for finding in _judged(keys, now=installation.clock()):
            yield finding
        companies = (await installation.configuration()).companies
        async for finding in _logins(client, list(companies.values())):
            yield finding


@asynccontextmanager
async def _client(installation: Installation) -> AsyncIterator[tuple[ksef.KsefClient, _Listening]]:
    settings = installation.settings
    transport = ksef.HttpxTransport(http_options(settings, settings.http))
    listening = _Listening(transport, installation.clock)
    client = ksef.KsefClient(
        environment_of(settings),
        transport=listening,
        repeat=ksef.RepeatPolicy(attempts=2, first_pause_seconds=0.2),
        clock=installation.clock,
    )
    async with client:
        yield client, listening


def _judged(keys: Collection[ksef.PublicKey], *, now: datetime) -> list[Finding]:
    """One valid key is needed for each usage."""
    findings = []
    for usage in ksef.KeyUsage:
        ends = [key.valid_to for key in keys if usage in key.usages and key.valid_from <= now < key.valid_to]
        if not ends:
            findings.append(
                problem(
                    f"KSeF publishes no key for {usage} that is valid now",
                    mend="check this machine's clock; then KSeF's announcements",
                )
            )
        elif max(ends) <= now + KEY_SOON:
            findings.append(
                warning(
                    f"KSeF's key for {usage} ends on {max(ends):%Y-%m-%d}, and no newer one is published",
                    mend="nothing to do here: a new key is taken over by itself; watch KSeF's announcements",
                )
            )
        else:
            findings.append(ok(f"KSeF's key for {usage} is valid until {max(ends):%Y-%m-%d}"))
    return findings


async def _logins(client: ksef.KsefClient, companies: Sequence[CompanyConfig]) -> Findings:
    turns = asyncio.Semaphore(LOGINS_AT_A_TIME)

    async def log_in(company: CompanyConfig) -> Finding:
        async with turns:
            return await _login(client, company)

    for done in asyncio.as_completed([log_in(company) for company in companies]):
        yield await done


async def _login(client: ksef.KsefClient, company: CompanyConfig) -> Finding:
    """Whether KSeF lets this company's credential in; what it may do there shows only when it does it."""
    context = ksef.ContextId(ksef.ContextType(company.context.type), company.context.value)
    reference = company.context.credential.token
    try:
        credential = ksef.TokenCredential(resolve(reference).get_secret_value())
        await client.context(context, credential).log_in()
    except (OperatorNeeded, ValueError):
        return warning(f"{context}: not logged in", mend="see what is found about credentials")
    except ksef.OperatorNeeded as error:
        return problem(
            f"{context}: KSeF refuses the login with {reference} ({error.reason_code})",
            mend="make a new token for this context in KSeF, with the permissions to send, and put it there",
        )
    except ksef.RateLimited as error:
        return warning(
            f"{context}: not logged in, KSeF's limit is reached",
            mend=f"ask again in {error.retry_after_seconds} s",
        )
    except ksef.KsefError as error:
        return problem(f"{context}: cannot log in now: {error}", mend="ask again; see KSeF's announcements")
    return ok(f"{context}: logged in with {reference}")


async def credentials(installation: Installation) -> Findings:
    """Every company's credential can be read here, and looks like one."""
    companies = (await installation.configuration()).companies
    for nip, company in sorted(companies.items()):
        reference = company.context.credential.token
        try:
            ksef.TokenCredential(resolve(reference).get_secret_value())
        except OperatorNeeded as error:
            yield problem(
                f"{nip}: {error}", mend="put the KSeF token there; the sender's account must read it"
            )
        except ValueError:
            yield problem(
                f"{nip}: {reference} is no token: it has white space inside", mend="put the token there"
            )
    if not companies:
        yield warning("no company is configured", mend="ksef-courier config apply config")
    else:
        yield ok(f"looked at the credentials of {len(companies)} companies")

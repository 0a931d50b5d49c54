import asyncio
from datetime import timedelta

import pytest

from ksef import BrokenContract, OperatorNeeded, TransientError, wire
from ksef.public_keys import KeyUsage, PublicKeys, choose, public_key_from
from tests.support.ksef_script import NOW, gateway_page, ok, refusal

PUBLISHED = "GET /security/public-key-certificates"
LAST_WEEK = NOW - timedelta(days=7)
YESTERDAY = NOW - timedelta(days=1)
TOMORROW = NOW + timedelta(days=1)


def key_of(published, *usages, valid_from, valid_to=None):
    entry = published.entry(*usages, valid_from=valid_from, valid_to=valid_to)
    return public_key_from(wire.PUBLIC_KEYS.decode(ok([entry]).body)[0])


def test_the_key_valid_now_with_the_latest_start_is_chosen(ministry_key, newer_key):
    older = key_of(ministry_key, valid_from=LAST_WEEK)
    newer = key_of(newer_key, valid_from=YESTERDAY)

    assert choose([newer, older], usage=KeyUsage.SYMMETRIC_KEY, now=NOW) is newer


def test_keys_of_tomorrow_of_yesterday_and_for_another_usage_are_not_chosen(ministry_key, newer_key):
    future = key_of(ministry_key, valid_from=TOMORROW)
    past = key_of(ministry_key, valid_from=LAST_WEEK, valid_to=NOW)
    other = key_of(newer_key, "KsefTokenEncryption", "SomethingNew", valid_from=LAST_WEEK)

    assert choose([future, past, other], usage=KeyUsage.SYMMETRIC_KEY, now=NOW) is None


def test_a_certificate_with_a_foreign_key_id_is_refused(ministry_key, newer_key):
    entry = ministry_key.entry(valid_from=LAST_WEEK) | {"publicKeyId": newer_key.id}

    with pytest.raises(ValueError, match="publicKeyId"):
        public_key_from(wire.PUBLIC_KEYS.decode(ok([entry]).body)[0])


class Source:
    def __init__(self, *answers):
        self.answers = list(answers)
        self.fetches = 0

    async def __call__(self):
        self.fetches += 1
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_many_callers_cause_one_fetch(ministry_key, clock):
    source = Source((key_of(ministry_key, valid_from=LAST_WEEK),))
    keys = PublicKeys(source, clock=clock)

    chosen = await asyncio.gather(*(keys.current(KeyUsage.KSEF_TOKEN) for _ in range(20)))

    assert source.fetches == 1
    assert {key.id for key in chosen} == {ministry_key.id}


async def test_keys_are_fetched_again_after_a_day(ministry_key, newer_key, clock):
    source = Source((key_of(ministry_key, valid_from=LAST_WEEK),), (key_of(newer_key, valid_from=YESTERDAY),))
    keys = PublicKeys(source, clock=clock)
    await keys.current(KeyUsage.KSEF_TOKEN)

    clock.advance(hours=23)
    assert (await keys.current(KeyUsage.KSEF_TOKEN)).id == ministry_key.id
    clock.advance(hours=1)
    assert (await keys.current(KeyUsage.KSEF_TOKEN)).id == newer_key.id


async def test_a_key_that_runs_out_is_replaced_before_the_day_is_over(ministry_key, newer_key, clock):
    ending = key_of(ministry_key, valid_from=LAST_WEEK, valid_to=NOW + timedelta(hours=1))
    source = Source((ending,), (key_of(newer_key, valid_from=YESTERDAY),))
    keys = PublicKeys(source, clock=clock)
    await keys.current(KeyUsage.KSEF_TOKEN)

    clock.advance(hours=1)

    assert (await keys.current(KeyUsage.KSEF_TOKEN)).id == newer_key.id


async def test_old_keys_serve_on_while_ksef_is_away(ministry_key, clock):
    source = Source((key_of(ministry_key, valid_from=LAST_WEEK),), TransientError("away"))
    keys = PublicKeys(source, clock=clock)
    await keys.current(KeyUsage.KSEF_TOKEN)

    clock.advance(hours=30)

    assert (await keys.current(KeyUsage.KSEF_TOKEN)).id == ministry_key.id


async def test_without_any_key_an_outage_is_an_outage(clock):
    keys = PublicKeys(Source(TransientError("away")), clock=clock)

    with pytest.raises(TransientError, match="away"):
        await keys.current(KeyUsage.KSEF_TOKEN)


async def test_without_a_valid_key_an_operator_is_told_to_look_at_the_clock(ministry_key, clock):
    keys = PublicKeys(Source((key_of(ministry_key, valid_from=TOMORROW),)), clock=clock)

    with pytest.raises(OperatorNeeded, match="clock") as caught:
        await keys.current(KeyUsage.KSEF_TOKEN)

    assert caught.value.reason_code == "no-valid-public-key"


async def test_a_withdrawn_key_is_replaced_once_for_all_who_met_it(ministry_key, newer_key, clock):
    withdrawn = key_of(ministry_key, valid_from=LAST_WEEK)
    source = Source((withdrawn,), (key_of(newer_key, valid_from=YESTERDAY),))
    keys = PublicKeys(source, clock=clock)
    await keys.current(KeyUsage.SYMMETRIC_KEY)

    replacements = await asyncio.gather(
        *(keys.replacement(KeyUsage.SYMMETRIC_KEY, withdrawn=withdrawn) for _ in range(10))
    )

    assert {key.id for key in replacements} == {newer_key.id}
    assert source.fetches == 2


@pytest.mark.parametrize(
    "body",
    [
        pytest.param([{"certificate": "!", "publicKeyId": "x" * 44}], id="members missing"),
        pytest.param({"certificates": []}, id="no list"),
    ],
)
async def test_unreadable_keys_are_a_broken_contract(server, company, body):
    server.will(PUBLISHED, ok(body))

    with pytest.raises(BrokenContract, match="public_keys"):
        await company.log_in()


async def test_a_certificate_that_is_none_is_a_broken_contract(server, company, ministry_key):
    entry = ministry_key.entry(valid_from=LAST_WEEK)
    server.will(PUBLISHED, ok([entry | {"certificate": "AAAA"}]))

    with pytest.raises(BrokenContract, match="public_keys"):
        await company.log_in()


async def test_a_wrong_base_address_needs_an_operator(server, company):
    server.will(PUBLISHED, gateway_page(404))

    with pytest.raises(OperatorNeeded, match="base address") as caught:
        await company.log_in()

    assert caught.value.reason_code == "public-keys-unavailable"


async def test_a_refused_key_request_never_looks_like_a_refused_call(server, company):
    server.will(PUBLISHED, refusal(21405))

    with pytest.raises(OperatorNeeded):
        await company.log_in()

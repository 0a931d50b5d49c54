"""Our ACLs on a broker with an authorizer: everybody can do their own work, and nobody else's."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError, for_code

from runtime import acl_apply, topics
from runtime.acl import Acl, Difference, Operation, Pattern, Permission, Resource
from runtime.acl_requests import allowed, create, delete, describe, open_client
from runtime.errors import ConfigurationError, Refused
from runtime.producer import open_producer
from runtime.records import Outbound
from tests.support.certificates import Authority
from tests.support.kit import INPUT, Kafka
from tests.support.secured import ADMIN, Secured, environ_of, secured_broker
from tests.support.waiting import until
from tests.support.worker_process import worker

PREFIX = "north."
SOURCES = ("sap", "shop")
TOPICS = {
    "erp.sap.results.v1",
    "erp.sap.sales.v1",
    "erp.shop.results.v1",
    "erp.shop.sales.v1",
    "ksef.intake.dlq",
    "ksef.mapper.dlq",
    "ksef.sender.dlq",
    "ksef.tracker.dlq",
    "ksef.validator.dlq",
    "sales.context.advanced.v1",
    "sales.document.accepted.v1",
    "sales.document.admitted.v1",
    "sales.document.status.v1",
    "sales.invoice.mapped.v1",
    "sales.sending.switched.v1",
}
# What each principal may read and write, of all topics: by hand.
READS = {
    "erp-shop": {"erp.shop.results.v1"},
    "ksef-intake": {"erp.sap.sales.v1", "erp.shop.sales.v1"},
    "ksef-mapper": {"sales.document.accepted.v1"},
    "ksef-validator": {"sales.invoice.mapped.v1", "sales.document.status.v1"},
    "ksef-sender": {"sales.document.admitted.v1", "sales.context.advanced.v1"},
    "ksef-tracker": {"sales.document.status.v1"},
    "ksef-operator": TOPICS,
}
WRITES = {
    "erp-shop": {"erp.shop.sales.v1"},
    "ksef-intake": {"sales.document.accepted.v1", "sales.document.status.v1", "ksef.intake.dlq"},
    "ksef-mapper": {"sales.invoice.mapped.v1", "sales.document.status.v1", "ksef.mapper.dlq"},
    "ksef-validator": {"sales.document.admitted.v1", "sales.document.status.v1", "ksef.validator.dlq"},
    "ksef-sender": {
        "sales.document.status.v1",
        "sales.context.advanced.v1",
        "sales.sending.switched.v1",
        "ksef.sender.dlq",
    },
    "ksef-tracker": {"erp.sap.results.v1", "erp.shop.results.v1", "ksef.tracker.dlq"},
    "ksef-operator": TOPICS,
}
PRINCIPALS = [PREFIX + name for name in (*WRITES, "erp-stranger")]
# Other installations on the same cluster: a password by SASL/PLAIN, one by SCRAM, and one that is new.
SOUTH, WEST, EAST = "south.", "west.", "east."
MAPPER = SOUTH + "ksef-mapper"
SCRAM_MAPPER = WEST + "ksef-mapper"
NEWCOMER = EAST + "ksef-mapper"
NOTHING = Difference(missing=(), unwanted=(), denials=())


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    with secured_broker([*PRINCIPALS, MAPPER, NEWCOMER], prefix=PREFIX) as broker:
        yield broker


@pytest.fixture
def prefix() -> str:
    """Of an installation of this test's own."""
    return f"i{secrets.token_hex(3)}."


@pytest.fixture
async def granted(secured: Secured) -> Secured:
    """ACLs applied by the admin, then topics created by the operator. Repeating both is quick."""
    await apply(secured, PREFIX, *SOURCES)
    await topics.apply(secured.settings(PREFIX + "ksef-operator"), sources=SOURCES)
    return secured


@asynccontextmanager
async def producer(secured: Secured, principal: str) -> AsyncIterator[AIOKafkaProducer]:
    """With the settings of our own producers that ask for rights."""
    client = AIOKafkaProducer(acks="all", enable_idempotence=True, **secured.options(PREFIX + principal))
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


@asynccontextmanager
async def consumer(
    secured: Secured, principal: str, *subscribed: str, group: str | None = None
) -> AsyncIterator[AIOKafkaConsumer]:
    options: dict[str, Any] = secured.options(PREFIX + principal)
    client = AIOKafkaConsumer(
        *(PREFIX + topic for topic in subscribed),
        group_id=group and PREFIX + group,
        auto_offset_reset="earliest",
        **options,
    )
    try:
        await client.start()
        yield client
    finally:
        await client.stop()


async def publish_raw(secured: Secured, topic: str, value: bytes) -> None:
    """As the admin, who may do anything, under the topic's whole name."""
    client = AIOKafkaProducer(**secured.options(ADMIN))
    await client.start()
    try:
        await client.send_and_wait(topic, value)
    finally:
        await client.stop()


async def publish(secured: Secured, principal: str, topic: str, value: bytes) -> None:
    async with producer(secured, principal) as client:
        await client.send_and_wait(PREFIX + topic, value)


async def test_a_source_publishes_its_documents_and_reads_its_results_in_a_group_of_its_own(
    granted: Secured,
) -> None:
    await publish(granted, "erp-shop", "erp.shop.sales.v1", b"a document")
    await publish(granted, "ksef-tracker", "erp.shop.results.v1", b"a result")

    async with consumer(granted, "erp-shop", "erp.shop.results.v1", group="erp.shop.importer") as client:
        record = await client.getone()
        await client.commit()

    assert record.value == b"a result"
    async with consumer(granted, "ksef-intake", "erp.shop.sales.v1", group="ksef.intake") as client:
        assert (await client.getone()).value == b"a document"


@pytest.mark.parametrize(
    "topic", ["erp.sap.sales.v1", "erp.shop.results.v1", "sales.document.admitted.v1", "ksef.intake.dlq"]
)
async def test_a_source_cannot_write_to_another_topic(granted: Secured, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await publish(granted, "erp-shop", topic, b"x")


@pytest.mark.parametrize(
    "topic", ["erp.sap.sales.v1", "erp.sap.results.v1", "erp.shop.sales.v1", "sales.document.status.v1"]
)
async def test_a_source_cannot_read_another_topic(granted: Secured, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await first_record(granted, "erp-shop", topic)


@pytest.mark.parametrize("group", ["ksef.intake", "ksef.tracker", "erp.sap.importer", "erp.shopkeeper"])
async def test_a_source_cannot_join_a_group_that_is_not_its_own(granted: Secured, group: str) -> None:
    with pytest.raises(GroupAuthorizationFailedError):
        await first_record(granted, "erp-shop", "erp.shop.results.v1", group=group)


@pytest.mark.parametrize("principal", ["erp-shop", "ksef-intake", "ksef-tracker"])
async def test_nobody_but_the_operator_creates_topics(granted: Secured, principal: str) -> None:
    admin = AIOKafkaAdminClient(**granted.options(PREFIX + principal))
    await admin.start()
    try:
        response = await admin.create_topics([NewTopic(f"{PREFIX}erp.shop.extra.v1", 1, 1)])
    finally:
        await admin.close()

    assert [for_code(code) for _name, code, *_ in response.topic_errors] == [TopicAuthorizationFailedError]


async def test_intake_cannot_write_results(granted: Secured) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await publish(granted, "ksef-intake", "erp.shop.results.v1", b"a forged result")


async def test_a_worker_without_the_right_to_publish_is_told_which_and_may_try_again(
    granted: Secured,
) -> None:
    record = Outbound("sales.document.admitted.v1", key=b"k", value=b"v")

    async with open_producer(granted.settings(PREFIX + "ksef-intake"), client_id="test") as own:
        with pytest.raises(
            Refused, match=r"to north\.sales\.document\.admitted\.v1: run `ksef-courier topics acl"
        ):
            await own.publish([record])
        await own.publish([Outbound("sales.document.accepted.v1", key=b"k", value=b"v")])


@pytest.mark.parametrize("principal", sorted(WRITES))
async def test_a_principal_may_read_and_write_what_its_work_takes_and_nothing_else(
    granted: Secured, principal: str
) -> None:
    async with open_client(granted.settings(PREFIX + principal)) as client:
        may = await allowed(client, sorted(PREFIX + topic for topic in TOPICS))

    reads, writes = (
        {topic.removeprefix(PREFIX) for topic, operations in may.items() if operation in (operations or ())}
        for operation in (Operation.READ, Operation.WRITE)
    )
    assert (reads, writes) == (READS[principal], WRITES[principal])


async def test_a_principal_without_rights_sees_nothing(granted: Secured) -> None:
    async with open_client(granted.settings(PREFIX + "erp-stranger")) as client:
        may = await allowed(client, [PREFIX + "erp.shop.sales.v1", PREFIX + "no.such.topic"])

    assert set(may.values()) == {frozenset()}


async def test_an_installation_has_no_rights_on_another_ones_topics(granted: Secured) -> None:
    await apply(granted, SOUTH)

    async with open_client(granted.settings(MAPPER)) as client:
        may = await allowed(client, [PREFIX + INPUT])

    assert may == {PREFIX + INPUT: frozenset()}


async def test_applying_again_finds_nothing_to_do(secured: Secured, prefix: str) -> None:
    assert await apply(secured, prefix, "shop") != NOTHING

    assert await apply(secured, prefix, "shop") == NOTHING


async def test_a_new_source_gets_its_rights_and_the_workers_theirs_on_its_topics(
    secured: Secured, prefix: str
) -> None:
    await apply(secured, prefix, "shop")

    found = await apply(secured, prefix, "shop", "new")

    assert {(acl.principal.removeprefix(prefix), acl.operation, acl.name) for acl in found.missing} == {
        ("ksef-intake", Operation.READ, f"{prefix}erp.new.sales.v1"),
        ("ksef-tracker", Operation.WRITE, f"{prefix}erp.new.results.v1"),
        ("erp-new", Operation.WRITE, f"{prefix}erp.new.sales.v1"),
        ("erp-new", Operation.READ, f"{prefix}erp.new.results.v1"),
        ("erp-new", Operation.READ, f"{prefix}erp.new."),
    }


async def test_a_dry_run_changes_nothing(secured: Secured, prefix: str) -> None:
    await apply(secured, prefix, "closed")
    before = await entries(secured, prefix)

    found = await apply(secured, prefix, "shop", prune=True, dry_run=True)

    assert found.missing
    assert found.unwanted
    assert await entries(secured, prefix) == before


async def test_what_a_source_had_is_removed_by_prune_only_and_strangers_and_denials_stay(
    secured: Secured, prefix: str
) -> None:
    stranger = Acl("billing", Resource.TOPIC, f"{prefix}erp.", Pattern.PREFIXED, Operation.READ)
    denial = Acl(
        principal=f"{prefix}ksef-mapper",
        resource=Resource.TOPIC,
        name=prefix,
        pattern=Pattern.PREFIXED,
        operation=Operation.ALL,
        permission=Permission.DENY,
        host="10.0.0.1",
    )
    await apply(secured, prefix, "shop", "closed")
    async with open_client(secured.settings(ADMIN)) as client:
        await create(client, [stranger, denial])
    before = await entries(secured, prefix)

    found = await apply(secured, prefix, "shop")
    assert await entries(secured, prefix) == before
    await apply(secured, prefix, "shop", prune=True)

    assert {
        (acl.principal.removeprefix(prefix), acl.name.removeprefix(prefix)) for acl in found.unwanted
    } == {
        ("erp-closed", "erp.closed.sales.v1"),
        ("erp-closed", "erp.closed.results.v1"),
        ("erp-closed", "erp.closed."),
        ("ksef-intake", "erp.closed.sales.v1"),
        ("ksef-tracker", "erp.closed.results.v1"),
    }
    assert found.denials == (denial,)
    assert before - await entries(secured, prefix) == set(found.unwanted)


async def test_who_may_not_change_acls_is_told_who_may(granted: Secured) -> None:
    settings = granted.settings(PREFIX + "ksef-operator")

    with pytest.raises(ConfigurationError, match="Alter and Describe on the cluster"):
        await acl_apply.apply(settings, sources=SOURCES, prune=False, dry_run=False)


async def test_a_cluster_without_an_authorizer_is_told_from_one_that_has_all_acls(kafka: Kafka) -> None:
    with pytest.raises(ConfigurationError, match=r"set authorizer\.class\.name first"):
        await acl_apply.apply(kafka.settings, sources=SOURCES, prune=False, dry_run=True)


async def test_topics_are_created_by_the_operator_and_others_are_told_so(granted: Secured) -> None:
    with pytest.raises(ConfigurationError, match="takes ksef-operator"):
        await topics.apply(granted.settings(PREFIX + "ksef-intake"), sources=["new"])


async def test_a_worker_waits_for_its_rights_names_them_and_goes_on_by_itself(
    secured: Secured, database: str, tmp_path: Path
) -> None:
    await apply(secured, SOUTH)
    await topics.apply(secured.settings(ADMIN, prefix=SOUTH), sources=[])
    missing = Acl(MAPPER, Resource.TOPIC, SOUTH + INPUT, Pattern.LITERAL, Operation.READ)
    async with open_client(secured.settings(ADMIN)) as client:
        await delete(client, [missing])
        # Seeing a topic is not enough.
        await create(client, [replace(missing, operation=Operation.DESCRIBE)])
    settings = secured.settings(MAPPER, prefix=SOUTH)

    with worker(tmp_path, settings, database, **environ_of(settings)) as process:
        complaint = f"User:{MAPPER} lacks Read on topic {SOUTH}{INPUT}: run `ksef-courier topics acl --apply`"
        await until(lambda: process.answers("/readyz", f"not ok: {complaint}"), seconds=40)

        await apply(secured, SOUTH)

        await until(lambda: process.answers("/readyz", "ok: "), seconds=40)


async def test_a_worker_without_any_right_waits_and_goes_on_by_itself(
    secured: Secured, database: str, tmp_path: Path
) -> None:
    settings = secured.settings(NEWCOMER, prefix=EAST)

    with worker(tmp_path, settings, database, **environ_of(settings)) as process:
        complaint = f"not ok: User:{NEWCOMER} may write to no topic: run `ksef-courier topics acl --apply`"
        await until(lambda: process.answers("/readyz", complaint), seconds=40)

        await apply(secured, EAST)
        await until(
            lambda: process.answers("/readyz", "run `ksef-courier topics apply`; and 1 more"), seconds=40
        )
        await topics.apply(secured.settings(ADMIN, prefix=EAST), sources=[])

        await until(lambda: process.answers("/readyz", "ok: "), seconds=40)


async def test_a_worker_with_a_wrong_password_says_so_and_waits(
    secured: Secured, database: str, tmp_path: Path
) -> None:
    settings = secured.settings(MAPPER, prefix=SOUTH, sasl_password="guessed")

    with worker(tmp_path, settings, database, **environ_of(settings)) as process:
        complaint = (
            f"refuses user '{MAPPER}' by PLAIN (SaslAuthenticationFailed): check KSEF_KAFKA__SASL_USERNAME"
        )
        await until(lambda: process.answers("/readyz", complaint), seconds=40)
        assert "ok" in await process.get("/livez")

    assert "guessed" not in process.output()


async def test_a_worker_works_over_tls_with_a_password_that_kafkas_own_tool_has_set(
    secured: Secured, database: str, tmp_path: Path
) -> None:
    secured.add_scram_user(SCRAM_MAPPER)
    await apply(secured, WEST)
    await topics.apply(secured.settings(ADMIN, prefix=WEST), sources=[])
    settings = secured.settings(SCRAM_MAPPER, prefix=WEST, sasl_mechanism="SCRAM-SHA-512")
    await publish_raw(secured, WEST + INPUT, b"over TLS")

    with worker(tmp_path, settings, database, **environ_of(settings) | secured.tls()) as process:
        await until(lambda: process.has_said("in_hand", value="over TLS"), seconds=40)


async def test_a_worker_refuses_a_broker_whose_certificate_another_ca_has_signed(
    secured: Secured, database: str, tmp_path: Path
) -> None:
    other = tmp_path / "other-ca.pem"
    other.write_bytes(Authority.new().certificate_pem)
    settings = secured.settings(MAPPER, prefix=SOUTH)
    tls = secured.tls(KSEF_KAFKA__CA_FILE=str(other))

    with worker(tmp_path, settings, database, **environ_of(settings) | tls) as process:
        await until(lambda: process.answers("/readyz", "not ok: no TLS with Kafka at 127.0.0.1:"), seconds=40)
        assert "check KSEF_KAFKA__CA_FILE" in await process.get("/readyz")


async def apply(
    secured: Secured, prefix: str, *sources: str, prune: bool = False, dry_run: bool = False
) -> Difference:
    """As the admin."""
    settings = secured.settings(ADMIN, prefix=prefix)
    return await acl_apply.apply(settings, sources=sources, prune=prune, dry_run=dry_run)


async def entries(secured: Secured, prefix: str) -> set[Acl]:
    """All that is on the cluster about an installation."""
    async with open_client(secured.settings(ADMIN)) as client:
        return {acl for acl in await describe(client) if acl.name.startswith(prefix)}


async def first_record(secured: Secured, principal: str, topic: str, *, group: str | None = None) -> None:
    async with consumer(secured, principal, topic, group=group) as client, asyncio.timeout(20):
        await client.getone()

"""Applying the table of topics to a real broker: created, mended, never repartitioned."""

from aiokafka.admin import NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from runtime import topics
from runtime.topics import Applied
from tests.support.kit import Kafka
from tests.support.waiting import until

SALES = "erp.north.sales.v1"
STATUS = "sales.document.status.v1"
ALL = {
    "erp.north.results.v1",
    "erp.north.sales.v1",
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


async def apply(kafka: Kafka, *sources: str) -> dict[str, Applied]:
    settings = kafka.settings.model_copy(update={"replication_factor": 1})
    applied = await topics.apply(settings, sources=sources)
    return {row.name.removeprefix(kafka.prefix): row for row in applied}


async def config_of(kafka: Kafka, topic: str) -> dict[str, str]:
    async with kafka.admin() as admin:
        (response,) = await admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, kafka.prefix + topic)]
        )
    return {entry[0]: entry[1] for entry in response.resources[0][4]}


async def set_config(kafka: Kafka, topic: str, **configs: str) -> None:
    """As an operator does with Kafka's own tools; all other settings of the topic are dropped."""
    resource = ConfigResource(
        ConfigResourceType.TOPIC,
        kafka.prefix + topic,
        configs={name.replace("_", "."): value for name, value in configs.items()},
    )
    async with kafka.admin() as admin:
        await admin.alter_configs([resource])
    await until_config(kafka, topic, **configs)


async def until_config(kafka: Kafka, topic: str, **configs: str) -> None:
    """A broker learns of a change a moment after it is agreed."""

    async def shows() -> bool:
        actual = await config_of(kafka, topic)
        return all(actual[name.replace("_", ".")] == value for name, value in configs.items())

    await until(shows)


async def partitions_of(kafka: Kafka, topic: str) -> int:
    async with kafka.admin() as admin:
        (described,) = await admin.describe_topics([kafka.prefix + topic])
    return len(described["partitions"])


async def test_missing_topics_are_created_as_declared(kafka: Kafka) -> None:
    applied = await apply(kafka, "north")

    assert set(applied) == ALL
    assert all(row.created for row in applied.values())
    assert (await partitions_of(kafka, SALES), await partitions_of(kafka, STATUS)) == (6, 24)
    config = await config_of(kafka, SALES)
    assert config["retention.ms"] == "1209600000"  # 14 days
    assert config["message.timestamp.type"] == "LogAppendTime"
    assert config["max.message.bytes"] == "2097152"
    assert config["cleanup.policy"] == "delete"
    assert config["unclean.leader.election.enable"] == "false"
    assert (await config_of(kafka, STATUS))["message.timestamp.type"] == "CreateTime"


async def test_applying_again_changes_nothing(kafka: Kafka) -> None:
    await apply(kafka, "north")

    applied = await apply(kafka, "north")

    assert set(applied) == ALL
    assert {(row.created, row.drift) for row in applied.values()} == {(False, ())}


async def test_a_new_source_gets_its_topics_and_the_others_stay(kafka: Kafka) -> None:
    await apply(kafka, "north")

    applied = await apply(kafka, "north", "south")

    assert {name for name, row in applied.items() if row.created} == {
        "erp.south.sales.v1",
        "erp.south.results.v1",
    }


async def test_drifted_settings_are_put_right_and_what_an_operator_added_stays(kafka: Kafka) -> None:
    await apply(kafka, "north")
    await set_config(kafka, SALES, retention_ms="60000", retention_bytes="1000000000")

    applied = await apply(kafka, "north")

    assert "retention.ms: 60000 → 1209600000" in applied[SALES].drift
    await until_config(
        kafka,
        SALES,
        retention_ms="1209600000",
        retention_bytes="1000000000",
        message_timestamp_type="LogAppendTime",
    )
    assert (await apply(kafka, "north"))[SALES].drift == ()


async def test_the_number_of_partitions_is_never_changed(kafka: Kafka) -> None:
    await kafka.create(SALES, partitions=1)
    await apply(kafka, "north")
    assert await partitions_of(kafka, SALES) == 1

    async with kafka.admin() as admin:
        await admin.create_partitions({kafka.prefix + SALES: NewPartitions(total_count=7)})
    await until(lambda: has_partitions(kafka, SALES, 7))
    await apply(kafka, "north")
    assert await partitions_of(kafka, SALES) == 7


async def has_partitions(kafka: Kafka, topic: str, count: int) -> bool:
    return await partitions_of(kafka, topic) == count

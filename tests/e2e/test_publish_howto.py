"""The commands of docs/howto/publish-from-your-erp.md, as they stand there, on a running system."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts import events, ids
from tests.support.erp_desk import BLOCKS, NO_PASSWORD, PAGE, Desk
from tests.support.system import System, document_id, invoice

pytestmark = pytest.mark.xdist_group("publish-howto")


@pytest.fixture
def desk(tmp_path: Path, system: System) -> Desk:
    kafka = system.settings.kafka
    return Desk(
        tmp_path,
        bootstrap_servers=kafka.bootstrap_servers,
        topic_prefix=kafka.topic_prefix,
        client_properties=NO_PASSWORD,
    )


def numbered(number: str, erp_document_id: str | None) -> str:
    """The page's document under a number of its own; without an id in its body, if ``None``."""
    content = json.loads(BLOCKS["invoice.json"].text) | {"number": number}
    content["source"] = {"document_id": erp_document_id} if erp_document_id else {}
    return json.dumps(content, indent=2, ensure_ascii=False)


async def test_kafkas_console_publishes_the_pages_document_and_shows_its_ksef_number(
    desk: Desk, system: System
) -> None:
    desk.write("invoice.json", BLOCKS["invoice.json"].text)

    await desk.shell("console-publish")
    lines = await desk.results(until=lambda line: '"step":"completed"' in line and "0090000100" in line)

    last = json.loads(lines[-1])
    (accepted,) = system.accepted("FV/2026/11/100")
    assert (last["erp_document_id"], last["revision"]) == ("0090000100", "1")
    assert last["ksef_number"] == accepted["ksef_number"]


async def test_the_header_of_the_console_names_the_document(desk: Desk, system: System) -> None:
    desk.write("invoice.json", numbered("FV/2026/11/101", None))

    await desk.shell("console-publish-with-id")

    named = ids.document_id("sap-north", "0090000101")
    assert (await system.until_ended([named]))[named][-1].outcome == "issued"


async def test_the_python_consumer_shows_every_step_once_though_one_was_told_twice(
    desk: Desk, system: System
) -> None:
    desk.write("results.py", BLOCKS["results.py"].text)
    await system.publish("sap-north", [invoice("FV/2026/11/104")])
    first, *_ = (await system.until_ended([document_id("FV/2026/11/104")]))[document_id("FV/2026/11/104")]
    await system.produce(events.results_topic("sap-north"), first.model_dump_json(exclude_none=True).encode())
    await system.publish("sap-north", [invoice("FV/2026/11/105")])
    await system.until_ended([document_id("FV/2026/11/105")])

    lines = await desk.lines(
        sys.executable, "results.py", until=both_completed("FV/2026/11/104", "FV/2026/11/105")
    )

    number = system.accepted("FV/2026/11/105")[0]["ksef_number"]
    assert lines.count("FV/2026/11/104 accepted -") == 1
    assert f"FV/2026/11/105 completed {number}" in lines


def both_completed(*documents: str) -> Callable[[str], bool]:
    waited_for: set[str] = set(documents)

    def last(line: str) -> bool:
        document, step, _ = line.split()
        waited_for.difference_update({document} if step == "completed" else ())
        return not waited_for

    return last


async def test_a_document_above_the_limit_is_refused_by_the_producer_in_the_pages_words(desk: Desk) -> None:
    said = "is larger than 2097152, which is the value of the max.request.size configuration"
    desk.write("invoice.json", numbered("FV/2026/11/106", "0090000106") + " " * 2_097_152)

    shown = await desk.shell("console-publish")

    assert said in " ".join(PAGE.read_text("utf-8").split())
    assert "RecordTooLargeException" in shown
    assert said in shown


@pytest.mark.parametrize("name", [name for name, block in BLOCKS.items() if block.language == "bash"])
async def test_a_command_of_the_page_is_sound_shell(name: str) -> None:
    process = await asyncio.create_subprocess_exec("bash", "-n", "-c", BLOCKS[name].text)

    assert await process.wait() == 0


def test_the_page_marks_what_these_tests_do_not_run() -> None:
    tried = {"console-publish", "console-publish-with-id", "console-results", "results.py"}
    given = {"variables", "client.properties", "kcat.conf", "invoice.json"}

    assert set(BLOCKS) - tried - given == {"kcat-publish", "kcat-results", "Publish.java", "Results.java"}
    page = " ".join(PAGE.read_text("utf-8").split())
    assert page.count("un by hand") == len({"kcat-publish", "kcat-results", "Publish.java", "Results.java"})

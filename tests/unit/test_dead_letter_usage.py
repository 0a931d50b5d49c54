"""``ksef-courier dead-letters`` before it asks any server: what a wrong command is told."""

import pytest

from tests.support.commands import run


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("show mapper", "'mapper' is no id of a dead letter: <service>:<number>"),
        ("show archiver:1", "'archiver:1' is no id of a dead letter"),
        ("show mapper:-1", "'mapper:-1' is no id of a dead letter"),
        ("list --service archiver", "no service is called 'archiver': there are intake, mapper, validator"),
        ("list --since yesterday", "'yesterday' is no time: write it like 2026-11-02T09:00:00Z"),
        ("list --since 2026-11-02T09:00:00", "has no offset: write 2026-11-02T09:00:00Z for UTC"),
        ("redrive --yes", "say why with --reason: it is kept with the act"),
        ("redrive --rate 0", "--rate"),
    ],
)
async def test_a_wrong_command_is_a_usage_error_that_says_what_to_write(
    arguments: str, complaint: str
) -> None:
    ended = await run({}, "dead-letters", *arguments.split())

    assert ended.code == 2
    assert complaint in ended.err

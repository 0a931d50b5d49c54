"""Whether a finding is told in English and in Polish, text and next step alike."""

import ast
import re
from collections.abc import Iterable, Iterator

from contracts.findings import Finding

_TOLD = ("text", "text_pl", "next_step", "next_step_pl")
# A name that was to be filled in: {longest}; braces of JSON have quotation marks inside.
_unfilled = re.compile(r"\{[a-z_]*\}").search


def in_both(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, each of them complete in both languages."""
    found = tuple(findings)
    problems = [problem for finding in found for problem in lacking(finding)]
    assert not problems, "; ".join(problems)
    return found


def lacking(finding: Finding) -> list[str]:
    """What a finding does not say, or says with a gap, or twice in the same language."""
    words = {name: getattr(finding, name) or "" for name in _TOLD}
    empty = [f"no {name}" for name, said in words.items() if not said]
    gaps = [f"a gap in {name}: {said}" for name, said in words.items() if _unfilled(said)]
    same = [
        f"one language only: {words[name]}"
        for name in ("text", "next_step")
        if words[name] and words[name] == words[f"{name}_pl"]
    ]
    return [f"{finding.code} has {problem}" for problem in (*empty, *gaps, *same)]


def incomplete_calls(source: str) -> Iterator[int]:
    """Lines of Python text on which a ``Finding`` is made without one of its four texts."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
            given = {keyword.arg for keyword in node.keywords}
            if not given.issuperset(_TOLD):
                yield node.lineno

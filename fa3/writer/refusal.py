"""A finding of the writer: what of the canonical invoice keeps FA(3) from being written.

Invariant: the codes are stable, from C30 on; each names the field to mend.

C30 kind not written yet · C31 field not written yet · C32 line without a value · C33 no rate · C34 no basis
of exemption · C35 currency and exchange rate · C36 seller incomplete · C37 correction · C38 payment · C39
``auto`` undecidable · C40 no lines · C41 totals contradict themselves · C42 more notes than fit · C43 a
state outside a correction · C44 supply dated twice.
"""

from contracts.findings import Finding
from contracts.wording import Wording


def refused(
    code: str, field: str, problem: Wording, *, next_step: Wording, value: str | None = None
) -> Finding:
    """``problem`` continues the sentence that the field's path begins."""
    return Finding(
        code=code,
        text=f"{field} {problem.en}.",
        text_pl=f"{field} {problem.pl}.",
        next_step=next_step.en,
        next_step_pl=next_step.pl,
        field=field,
        value=value,
    )

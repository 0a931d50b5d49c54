"""The flag that refreshes the golden files: ``pytest tests/unit/fa3 --refresh-golden``."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--refresh-golden", action="store_true", help="write the expected XML of the golden files anew"
    )


@pytest.fixture
def refresh_golden(pytestconfig: pytest.Config) -> bool:
    return bool(pytestconfig.getoption("--refresh-golden", default=False))

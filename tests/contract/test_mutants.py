"""Every bug made by hand still fits the code, so that `make mutants` can show that a test catches it."""

import subprocess
from pathlib import Path

import pytest

from tests.mutants.__main__ import PATCHES, ROOT, Mutant

PATHS = sorted(PATCHES.glob("*.patch"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_mutants_patch_fits_the_code_and_names_tests_that_exist(path: Path) -> None:
    mutant = Mutant.read(path)

    fits = subprocess.run(["git", "apply", "--check", str(path)], cwd=ROOT, check=False, capture_output=True)

    assert fits.stderr == b""
    assert [test for test in mutant.tests if not (ROOT / test).exists()] == []

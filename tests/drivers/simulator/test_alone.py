"""The simulator stands alone: the base install is all it imports."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

ALLOWED = {"drivers", "cryptography", "_cffi_backend", "cffi"}
"""Our own package and the one of the base install, with what that brings."""

LISTING = """
import sys
import drivers.simulator.__main__
loaded = {name.split(".")[0] for name in sys.modules if getattr(sys.modules[name], "__file__", None)}
print("\\n".join(sorted(loaded - set(sys.stdlib_module_names))))
"""


def test_nothing_beyond_the_base_install_is_imported() -> None:
    listed = subprocess.run(
        [sys.executable, "-c", LISTING], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    foreign = {name for name in listed.split() if not name.startswith(("_pytest", "__editable"))} - ALLOWED
    assert foreign <= {"sitecustomize", "distutils-precedence", "_virtualenv"}
    assert "drivers" in listed.split()

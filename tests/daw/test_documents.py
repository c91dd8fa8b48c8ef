"""The documents of the plugin are generated from its table."""

import subprocess
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_list_of_parameters_is_that_of_the_table(built):
    program = built / "plugin" / "tagnode_make_docs"
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    assert (DOCS / "plugin-parameters.md").read_text() == printed

"""What the campaign (`make cluster`) knows of the page, without a cluster."""

from tests.cluster import page
from tests.cluster.ours import filled


def test_it_has_a_secret_for_each_that_the_page_leaves_out() -> None:
    asked = [line for line in page.COMMANDS if "…" in line]
    assert asked != [] and not any("…" in filled(line, "postgresql://owner@example.com/registration") for line in asked)

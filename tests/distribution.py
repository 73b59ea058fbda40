"""Which tests share a process where several run: those that share what is dear to start."""

from xdist.scheduler import LoadScopeScheduling

FOLDERS = ("tests/browser/", "tests/deploy/")
"""Whose fixtures are for all files in them."""


def group_of(node_id: str) -> str:
    """Tests of the same group run in the same process: a folder of FOLDERS, or a file."""
    file = node_id.partition("::")[0]
    return next((folder for folder in FOLDERS if file.startswith(folder)), file)


class GroupScheduling(LoadScopeScheduling):
    """pytest-xdist's own groups (`xdist_group`) come by node ids that pytest 9.2 no longer lets it change: silently,
    each process then has a browser, and servers, for each file of tests."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)

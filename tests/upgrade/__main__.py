"""The release before on the tables and events of this one, alone and beside it: an update needs no pause and can be
taken back.

    .venv/bin/python -m tests.upgrade            (make upgrade)

Tables are migrated by this program. Then registrations go through the four services, with every mail and page: all of
them as the wheel of PREVIOUS has them, two of them new, the other two, all new, and all old again. The checker judges
each. Needs the repository's history.
"""

import tempfile
from pathlib import Path

from bench.machine import ROOT
from embedded import servers
from shared.observability import quiet_clients
from shared.topics import SERVICES
from tests.upgrade.releases import go_through, release_before

EACH = 200  # registrations
NEW_IN = {
    "all old": (),
    "registrar and notifier new": ("registrar", "notifier"),
    "approver and portal new": ("approver", "portal"),
    "all new": SERVICES,
    "all old again": (),
}


def main() -> None:
    quiet_clients()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        old = release_before(folder)
        with servers(folder, environ={}) as host:
            for number, (phase, new) in enumerate(NEW_IN.items()):
                places = {service: ROOT if service in new else old for service in SERVICES}
                go_through(host, folder, f"upgrade_{number}", places, EACH)
                print(f"{phase}: {EACH} registrations approved, the checker finds nothing", flush=True)


if __name__ == "__main__":
    main()

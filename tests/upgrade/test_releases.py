"""While an update is on its way, services of the release before and of this one share tables and topics."""

from dataclasses import replace
from pathlib import Path

import pytest

from bench.machine import ROOT
from embedded import Servers
from embedded.postgres import Postgres
from shared.topics import SERVICES
from tests.upgrade.releases import NotInHistory, go_through, release_before

NEW = ("registrar", "portal")


@pytest.mark.not_required_by_ci(reason="a clone without history has no release before; make upgrade tries more")
def test_registrations_go_through_services_of_both_releases(
    running: Servers, postgres_server: Postgres, tmp_path: Path
) -> None:
    try:
        old = release_before(tmp_path)
    except NotInHistory as why:
        pytest.skip(str(why))
    places = {service: ROOT if service in NEW else old for service in SERVICES}
    host = replace(running, postgres=postgres_server)
    go_through(host, tmp_path, "upgrade", places, 10)

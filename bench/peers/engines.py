"""The engines: how their servers are started, and how their programs are driven.

Every server listens on 127.0.0.1 alone, keeps its data on disk, and waits for the disk as in production. What is set
here is the best of what was tried on two cores.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.peers import Measured, install
from bench.peers.rig import HOST, Rig, answers, listens, post
from embedded.ports import free_port
from embedded.postgres import postgres

# SQLite: one write to the disk a commit, and that is waited for. The rest is for one server alone: by default each
# request reads the search attributes anew, which is meant for tests, and a queue is four.
TEMPORAL_SETTINGS = {
    "--sqlite-pragma": ("journal_mode=WAL", "synchronous=FULL"),
    "--dynamic-config-value": (
        "system.forceSearchAttributesCacheRefreshOnRead=false",
        "system.enableActivityEagerExecution=true",
        "matching.numTaskqueueReadPartitions=1",
        "matching.numTaskqueueWritePartitions=1",
    ),
}
# For two cores; by default it has 24 partitions.
RESTATE_SETTINGS = {
    "RESTATE_LISTEN_MODE": "tcp",
    "RESTATE_BIND_IP": HOST,
    "RESTATE_DEFAULT_NUM_PARTITIONS": "4",
    "RESTATE_DISABLE_TELEMETRY": "true",
    "RESTATE_LOG_FILTER": "error",
}


def dbos(name: str, threads: int | None, copies: int, rig: Rig) -> Measured:
    """`threads`, and as many connections, in each of the application's `copies`; None: DBOS's defaults."""
    with postgres(rig.folder / "postgres") as server:
        load = {"in_flight": 100 // copies, "own_name": "application"}
        return rig.drive(
            name, {"url": server.url, "threads": threads}, load, {"postgres": server.pid}, "PostgreSQL 18", copies
        )


def temporal(name: str, local: bool, rig: Rig) -> Measured:
    """`local`: activities run within the workflow's task, and are recorded with it."""
    port = free_port()
    command: list[str | Path] = [install.temporal(), "server", "start-dev", "--headless", "--log-level", "error"]
    command += ["--ip", HOST, "--port", str(port), "--db-filename", rig.folder / "temporal.db"]
    command += ["--http-port", str(free_port()), "--metrics-port", str(free_port())]
    command += [word for option, values in TEMPORAL_SETTINGS.items() for value in values for word in (option, value)]
    # Go collects garbage less often, which a server of its own would with its memory.
    with rig.running("temporal", command, partial(listens, port), GOGC="400") as server:
        load = {"in_flight": 50, "own_name": "application"}
        return rig.drive(
            name, {"address": f"{HOST}:{port}", "local": local}, load, {"server": server.pid}, install.TEMPORAL
        )


def restate(name: str, rig: Rig) -> Measured:
    node, admin, ingress, handlers = (free_port() for _ in range(4))
    settings = RESTATE_SETTINGS | {
        "RESTATE_BASE_DIR": str(rig.folder / "restate"),
        "RESTATE_BIND_PORT": str(node),
        "RESTATE_ADMIN__BIND_PORT": str(admin),
        "RESTATE_INGRESS__BIND_PORT": str(ingress),
    }
    # Against Hypercorn, which the SDK's examples use, half the CPU time and twice the throughput.
    serve: list[str | Path] = [
        rig.python,
        "-m",
        "granian",
        "--interface",
        "asgi",
        "--http",
        "2",
        "--no-ws",
        "--loop",
        "uvloop",
    ]
    serve += ["--host", HOST, "--port", str(handlers), "bench.peers.restate:app"]
    health = f"http://{HOST}:{admin}/health"
    with (
        rig.running("restate", [install.restate()], partial(answers, health), **settings) as server,
        rig.running("handlers", serve, partial(listens, handlers), PEERS_PIPE=str(rig.pipe(0))) as worker,
    ):
        post(f"http://{HOST}:{admin}/deployments", {"uri": f"http://{HOST}:{handlers}"})
        pids = {"server": server.pid, "worker": worker.pid}
        return rig.drive(name, {"ingress": f"http://{HOST}:{ingress}"}, {"in_flight": 400}, pids, install.RESTATE)


# By name.
PEERS: dict[str, Callable[[Rig], Measured]] = {
    it.args[0]: it
    for it in (
        partial(dbos, "dbos", None, 1),
        partial(dbos, "dbos-tuned", 16, 2),
        partial(temporal, "temporal-regular", False),
        partial(temporal, "temporal-local", True),
        partial(restate, "restate"),
    )
}

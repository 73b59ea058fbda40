"""Ports that are handed out."""

import subprocess
import sys

from embedded.ports import PORTS, free_port

_CHOOSES = f"""
import random, sys
from embedded.ports import free_port
random.seed({PORTS.start})
print(free_port(), flush=True)
sys.stdin.read()
"""


def test_two_processes_that_draw_alike_and_have_bound_nothing_yet_get_different_ports() -> None:
    first, second = (
        subprocess.Popen([sys.executable, "-c", _CHOOSES], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    )
    with first, second:
        ports = [chooser.stdout.readline() for chooser in (first, second) if chooser.stdout]
    assert len(set(ports)) == 2
    assert first.returncode == second.returncode == 0


def test_a_process_gets_each_port_once() -> None:
    ports = [free_port() for _ in range(300)]
    assert len(set(ports)) == len(ports)
    assert set(ports) <= set(PORTS)

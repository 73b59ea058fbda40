"""A shell completes what was begun: the program's commands, and what stands behind them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.topics import SERVICES

REGISTRATION = str(Path(sys.executable).parent / "registration")


def completed(shell: str, *words: str) -> set[str]:
    """What the program answers to a shell in which `words` were typed, the last of them not to its end."""
    asking = {
        "bash": {"COMP_WORDS": " ".join(("registration", *words)), "COMP_CWORD": str(len(words))},
        "fish": {
            "_TYPER_COMPLETE_ARGS": " ".join(("registration", *words)),
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        },
    }[shell]
    environment = {**os.environ, "_REGISTRATION_COMPLETE": f"complete_{shell}", **asking}
    done = subprocess.run([REGISTRATION], env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert done.stderr == ""
    return {line.split("\t")[0] for line in done.stdout.splitlines()}


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_commands_and_services_are_completed(shell: str) -> None:
    assert completed(shell, "") >= {"doctor", "export", "purge", "quarantine", "serve"}
    assert completed(shell, "quarantine", "re") == {"replay"}
    assert completed(shell, "serve", "re") == {"registrar"}
    assert completed(shell, "export", "--status", "de") == {"declined"}


@pytest.mark.parametrize("words", ["serve", "doctor", "rewind", "quarantine list"])
def test_whoever_is_to_name_a_service_is_offered_all_four(words: str) -> None:
    """How a shell asks, the test above looks at: what is answered knows of no shell."""
    assert completed("bash", *words.split(), "") == {*SERVICES}


def test_it_is_installed_for_a_shell_by_one_option(tmp_path: Path) -> None:
    """In bash the installed function is asked as the shell asks it."""
    environment = {**os.environ, "HOME": str(tmp_path), "PATH": f"{Path(REGISTRATION).parent}:{os.environ['PATH']}"}
    # It looks for a shell among its parents, and a test in the background may have none.
    install = f"'{REGISTRATION}' --install-completion bash; exit $?"
    subprocess.run(["bash", "-c", install], env=environment, capture_output=True, check=True, timeout=60)
    script = (
        "source ~/.bashrc; COMP_WORDS=(registration doctor no); COMP_CWORD=2; _registration_completion registration; "
        'echo "${COMPREPLY[*]}"; complete -p registration'
    )
    asked = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert asked.stdout.splitlines() == ["notifier", "complete -o default -F _registration_completion registration"]

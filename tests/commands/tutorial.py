"""docs/tutorial/first-registration.md, followed word by word beside a demo that keeps running."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2

from commands.demo.people import Browser, link_in

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-registration.md"
PATIENCE = 60.0
EMAIL = "you@example.com"


def follow_tutorial(demo: subprocess.Popen[str], folder: Path, program: Path) -> str:
    """All that the demo said, which is ended by Ctrl-C. `folder`: where the reader stands; `program`: what is there as
    `registration`."""
    said = _until_it_keeps_running(demo)
    addresses = dict(re.findall(r"(portal|approver|mailbox) +(http://\S+)$", said, re.MULTILINE))
    told = ""
    for step in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE):
        for block in re.findall(r"^```sh\n(.*?)^```$", step, re.MULTILINE | re.DOTALL):
            told += _run(block, folder, program)
        if "customer confirms" in step:
            asyncio.run(_confirm(addresses["mailbox"]))
        if "VNG Cloud approves" in step:
            asyncio.run(_approve(addresses["approver"]))
    for expected in ("-> approved  VngApproved  by hoa@vng.example", "undecodable", "not sent"):
        assert expected in told, told
    demo.send_signal(signal.SIGINT)
    rest, _ = demo.communicate(timeout=PATIENCE)
    assert not (folder / ".local" / "demo" / "environment").exists()
    return said + rest


def _until_it_keeps_running(demo: subprocess.Popen[str]) -> str:
    assert demo.stdout
    said = ""
    for line in demo.stdout:
        said += line
        if "sign in as one of" in line:
            return said
    return said


def _run(block: str, folder: Path, program: Path) -> str:
    """A block as a reader runs it, again and again until what it shows is there: other services bring it about."""
    script = block.replace(".venv/bin/registration", str(program)).replace(".venv/bin/python", sys.executable)
    until = {"--status approved | grep": "VngApproved", "quarantine list": "undecodable"}
    wanted = next((shown for command, shown in until.items() if command in block), "")
    deadline = time.monotonic() + PATIENCE
    while True:
        done = subprocess.run(
            ["sh", "-c", f". .local/demo/environment\n{script}"],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        output = done.stdout + done.stderr
        if wanted in output and done.returncode == 0:
            return output
        assert wanted and time.monotonic() < deadline, f"{block}\n{output}"


async def _confirm(mailbox: str) -> None:
    async with httpx2.AsyncClient() as client, asyncio.timeout(PATIENCE):
        while True:
            mails = (await client.get(f"{mailbox}/messages.json")).json()
            if ours := [it for it in mails if it["to"] == [EMAIL]]:
                break
            await asyncio.sleep(0.2)
    link = httpx2.URL(link_in(ours[0]["text"]))
    async with Browser(f"{link.scheme}://{link.host}:{link.port}") as browser:
        assert (await browser.post(f"{link.path}/confirm", {})).status_code == 200


async def _approve(approver: str) -> None:
    async with Browser(approver) as staff, asyncio.timeout(PATIENCE):
        await staff.sign_in("/cases", "hoa@vng.example")
        while True:
            page = (await staff.get(f"/cases?q={EMAIL}")).text
            if found := re.search(r'href="(/cases/[0-9a-f-]{36})"', page):
                break
            await asyncio.sleep(0.2)
        assert (await staff.post(f"{found[1]}/approve", {})).status_code == 200

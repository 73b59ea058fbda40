"""Each page in each state, in both languages, light and dark, on a desk and on a phone: nothing for axe to find, no
error, no request to others, nothing that moves, nothing to scroll sideways for, and little to load."""

import asyncio
from typing import Literal

import pytest

from shared.events import Locale
from tests.browser import chromium, looks
from tests.browser.gallery import Gallery
from tests.browser.looks import Eye
from tests.browser.states import STATES, Shown

MOST_BYTES = 100_000
SCHEMES: dict[Locale, Literal["light", "dark"]] = {Locale.EN: "light", Locale.VI: "dark"}


@pytest.mark.parametrize("name", STATES)
async def test_a_page_is_accessible_quiet_steady_and_light(rooms: Gallery, eyes: dict[Locale, Eye], name: str) -> None:
    shown = [await STATES[name](rooms) for _eye in eyes]
    found = await asyncio.gather(*map(problems_of, shown, eyes.values()))
    problems = [f"{eye.locale}: {line}" for eye, lines in zip(eyes.values(), found, strict=True) for line in lines]
    assert not problems, "\n" + "\n".join(problems)


async def problems_of(shown: Shown, eye: Eye) -> list[str]:
    # Both languages load the same files: one of them is enough to weigh them.
    answer = await eye.open(shown, anew=eye.locale is Locale.VI)
    problems = [] if answer.status == shown.status else [f"answered {answer.status}, not {shown.status}"]
    if await eye.page.locator("html").get_attribute("lang") != eye.locale:
        problems.append("another language")
    if eye.bytes_received > MOST_BYTES:
        problems.append(f"{eye.bytes_received:.0f} bytes to load")
    problems += await looks.moved(eye.page)
    problems += await looks.too_wide(eye.page)
    # Rules about colours find the same in both languages, all others the same in both schemes.
    await eye.page.emulate_media(color_scheme=SCHEMES[eye.locale])
    problems += await looks.axe(eye.page)
    await eye.page.set_viewport_size(chromium.PHONE)
    problems += await looks.too_wide(eye.page)
    problems += [f"phone: {line}" for line in await looks.axe(eye.page, looks.TARGETS)]
    return problems + eye.watch.problems

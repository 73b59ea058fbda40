"""A browser's look at one page: what a reader with a screen reader, a slow line or a dark screen would trip over."""

from collections.abc import Sequence
from pathlib import Path

from playwright.async_api import BrowserContext, CDPSession, Page, Response

from shared.events import Locale
from tests.browser.chromium import WIDE, Watch, watched
from tests.browser.gallery import Gallery
from tests.browser.states import Shown

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
BEST = [*WCAG, "best-practice"]
COLOURS = ["color-contrast", "link-in-text-block"]
"""The only rules that look at colours: all others find the same in light and dark."""
TARGETS = ["target-size"]

_POST = """([action, fields]) => {
  const form = document.createElement("form");
  form.method = "post"; form.action = action; form.hidden = true;
  for (const [name, value] of fields) {
    const field = document.createElement("textarea");
    field.name = name; field.value = value; form.append(field);
  }
  document.body.append(form); form.submit();
}"""
_AXE = """options => axe.run(document, {...options, resultTypes: ["violations"]}).then(found =>
  found.violations.flatMap(it =>
    it.nodes.map(node => `${it.id}: ${it.help}: ${node.target} ${node.html.slice(0, 200)}`)))
"""
_NAME = """it => it && it.nodeType === 1 ? it.outerHTML.slice(0, 120) : String(it && it.textContent).slice(0, 120)"""
_SHIFTS = f"""() => new Promise(done => {{
  const name = {_NAME}, found = [];
  new PerformanceObserver(list => {{
    for (const entry of list.getEntries())
      found.push(`moved by ${{entry.value}}: ${{(entry.sources || []).map(it => name(it.node)).join(" ; ")}}`);
  }}).observe({{type: "layout-shift", buffered: true}});
  requestAnimationFrame(() => setTimeout(() => done(found), 0));
}})"""
_BEYOND = f"""() => {{
  const name = {_NAME}, width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const outside = [...document.body.querySelectorAll("*")].filter(it => it.getBoundingClientRect().right > width + 0.5);
  return [`wider than ${{width}} pixels: ${{outside.slice(-3).map(name).join(" ; ")}}`];
}}"""


class Eye:
    """One window that looks at page after page, as people who read `locale`."""

    def __init__(self, locale: Locale, page: Page, watch: Watch, cdp: CDPSession, rooms: Gallery) -> None:
        self.locale = locale
        self.page = page
        self.watch = watch
        self._cdp = cdp
        self._rooms = rooms
        self._kinds: dict[str, str] = {}
        self._sizes: dict[str, float] = {}
        cdp.on("Network.responseReceived", lambda it: self._kinds.update({it["requestId"]: it["type"]}))
        cdp.on("Network.loadingFinished", lambda it: self._sizes.update({it["requestId"]: it["encodedDataLength"]}))

    @property
    def bytes_received(self) -> float:
        """What the first view took on the wire, headers and all; what a script asks for afterwards is no part of it."""
        later = {"XHR", "Fetch", "EventSource"}
        return sum(size for request, size in self._sizes.items() if self._kinds.get(request) not in later)

    async def open(self, shown: Shown, *, anew: bool = True) -> Response:
        """As a person comes to it: by its address, or by sending a form. `anew`: with nothing kept from before.

        What was wrong with the last page is forgotten once that page is gone: until then it asks for news, as somebody
        who is no longer signed in.
        """
        url = self._rooms.rooms[shown.room].url
        # Resized here, the page to look at is not. Of the same origin, as a form must be; a blank page would cost two
        # processes of the browser.
        await self.page.goto(f"{url}/livez")
        self.watch.problems.clear()
        cookies = self._rooms.cookies(shown.room, shown.person, self.locale)
        if anew:
            await self._cdp.send("Network.clearBrowserCache")
        await self._cdp.send("Network.clearBrowserCookies")
        await self.page.context.add_cookies([{"name": it, "value": cookies[it], "url": url} for it in cookies])
        await self.page.set_viewport_size(WIDE)
        await self.page.emulate_media(color_scheme="light", reduced_motion="reduce")  # nothing is looked at half-way
        if shown.fields is None:
            self._sizes.clear()
            answer = await self.page.goto(url + shown.path)
            assert answer
            return answer
        self._sizes.clear()
        async with self.page.expect_navigation() as navigation:
            await self.page.evaluate(_POST, [shown.path, [list(field) for field in shown.fields]])
        return await navigation.value


async def open_eye(context: BrowserContext, rooms: Gallery, locale: Locale) -> Eye:
    watch = watched(context, *(room.url for room in rooms.rooms.values()))
    page = await context.new_page()
    cdp = await context.new_cdp_session(page)
    await cdp.send("Network.enable")
    return Eye(locale, page, watch, cdp, rooms)


async def axe(page: Page, rules: Sequence[str] = (), tags: Sequence[str] = BEST) -> list[str]:
    """What axe finds, a line a place: by the rules that have one of `tags`, or by some."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(AXE)
    only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": list(tags)}
    found: list[str] = await page.evaluate(_AXE, {"runOnly": only})
    return found


async def moved(page: Page) -> list[str]:
    """What moved after it was first shown, a line a time."""
    found: list[str] = await page.evaluate(_SHIFTS)
    return found


async def too_wide(page: Page) -> list[str]:
    """What one has to scroll the whole page sideways for."""
    found: list[str] = await page.evaluate(_BEYOND)
    return found

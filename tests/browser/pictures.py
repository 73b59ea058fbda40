"""Screenshots made small enough for a repository: at most 256 colours, chosen by the browser itself, so that no library
for pictures is needed."""

import base64
import struct
import zlib
from typing import Any

from playwright.async_api import Browser

# The commonest 256 colours stay, every other becomes the nearest of them.
_FEW_COLOURS = """async picture => {
  const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${picture}`)).blob());
  const {width, height} = bitmap, canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(bitmap, 0, 0);
  const points = new Uint32Array(canvas.getImageData(0, 0, width, height).data.buffer), count = new Map();
  for (const point of points) count.set(point, (count.get(point) || 0) + 1);
  const colours = [...count].sort((a, b) => b[1] - a[1]).map(([colour]) => colour), kept = colours.slice(0, 256);
  const parts = it => [it & 255, it >> 8 & 255, it >> 16 & 255];
  const far = (a, b) => parts(a).reduce((sum, part, n) => sum + (part - parts(b)[n]) ** 2, 0);
  const nearest = it => kept.reduce((best, one, n) => far(one, it) < far(kept[best], it) ? n : best, 0);
  const place = new Map(colours.map((it, n) => [it, n < 256 ? n : nearest(it)]));
  let text = "";
  for (const point of points) text += String.fromCharCode(place.get(point));
  return {width, height, palette: kept.map(parts), points: btoa(text)};
}"""


async def small(browser: Browser, png: bytes) -> bytes:
    """The same picture as a PNG with a palette."""
    page = await browser.new_page()
    found: dict[str, Any] = await page.evaluate(_FEW_COLOURS, base64.b64encode(png).decode())
    await page.close()
    width, height, points = found["width"], found["height"], base64.b64decode(found["points"])
    rows = b"".join(b"\0" + points[start : start + width] for start in range(0, width * height, width))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes(part for colour in found["palette"] for part in colour)),
            _chunk(b"IDAT", zlib.compress(rows, 9)),
            _chunk(b"IEND", b""),
        ]
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

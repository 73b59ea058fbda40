"""Stylesheets and pictures, named by their content: a browser keeps one for a year only under the hash of
what it holds. While two versions of a service run side by side, an instance that has other content answers
without that promise. Text is sent compressed; pages are not: they hold secrets beside what others may have typed."""

import gzip
from functools import cache
from hashlib import sha256
from os import PathLike, stat_result
from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_TEXT = (".css", ".js", ".svg", ".md", ".txt")

FOLDER = Path(__file__).parent / "static"


class StaticUrls:
    def __init__(self) -> None:
        files = (path for path in FOLDER.rglob("*") if path.is_file())
        self._versions = {
            path.relative_to(FOLDER).as_posix(): sha256(path.read_bytes()).hexdigest()[:16] for path in files
        }

    def __call__(self, name: str) -> str:
        """The address of a file that exists; KeyError for any other."""
        return f"/static/{name}?v={self._versions[name]}"

    def is_version(self, name: str, version: str) -> bool:
        return self._versions.get(name) == version


@cache
def static_urls() -> StaticUrls:
    """Read once a process."""
    return StaticUrls()


class _Versioned(StaticFiles):
    def __init__(self, urls: StaticUrls) -> None:
        super().__init__(directory=FOLDER)
        self._urls = urls

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        name = Path(full_path).relative_to(FOLDER).as_posix()
        answer = super().file_response(full_path, stat_result, scope, status_code)
        if isinstance(answer, FileResponse) and name.endswith(_TEXT):
            answer = _compressed(answer, full_path) if _takes_gzip(scope) else answer
            answer.headers["Vary"] = "Accept-Encoding"
        version = parse_qs(scope["query_string"].decode("latin-1")).get("v", [""])[0]
        lasting = self._urls.is_version(name, version)
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "no-cache"
        return answer


def _takes_gzip(scope: Scope) -> bool:
    return "gzip" in Headers(scope=scope).get("accept-encoding", "")


def _compressed(answer: Response, path: str | PathLike[str]) -> Response:
    headers = {
        "Content-Type": answer.headers["content-type"],
        "Content-Encoding": "gzip",
        "ETag": f"W/{answer.headers['etag']}",  # the same text, other bytes
    }
    return Response(_gzip(Path(path)), headers=headers)


@cache
def _gzip(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), 9, mtime=0)


def static_files() -> Mount:
    return Mount("/static", _Versioned(static_urls()))

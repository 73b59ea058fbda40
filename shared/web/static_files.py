"""Stylesheets and pictures, named by their content: a browser keeps one for a year only under the hash of
what it holds. While two versions of a service run side by side, an instance that has other content answers
without that promise."""

from hashlib import sha256
from os import PathLike, stat_result
from pathlib import Path
from urllib.parse import parse_qs

from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

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


class _Versioned(StaticFiles):
    def __init__(self, urls: StaticUrls) -> None:
        super().__init__(directory=FOLDER)
        self._urls = urls

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        answer = super().file_response(full_path, stat_result, scope, status_code)
        version = parse_qs(scope["query_string"].decode("latin-1")).get("v", [""])[0]
        lasting = self._urls.is_version(Path(full_path).relative_to(FOLDER).as_posix(), version)
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if lasting else "no-cache"
        return answer


def static_files(urls: StaticUrls) -> Mount:
    return Mount("/static", _Versioned(urls))

"""Every sentence on every page is there in both languages."""

from importlib import import_module
from pathlib import Path

import pytest

from shared.web.site import Site
from shared.web.templating import Pages


@pytest.mark.parametrize("service", ["portal", "notifier", "approver"])
def test_no_sentence_of_a_page_lacks_its_vietnamese(service: str) -> None:
    module = import_module(f"services.{service}.messages_vi")
    templates = Path(str(module.__file__)).parent / "templates"
    pages = Pages(Site(service, "http://localhost:1"), templates, module.MESSAGES)
    assert pages.untranslated() == set()

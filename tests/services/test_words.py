"""Every sentence on every page is there in both languages, and no other is."""

import pytest
from babel.messages.pofile import read_po

from commands.messages import FOLDERS, file_of, missing, up_to_date


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_sentence_of_a_page_lacks_its_vietnamese(folder: str) -> None:
    assert missing(up_to_date(folder)) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_catalogue_keeps_a_sentence_that_no_page_says(folder: str) -> None:
    with file_of(folder).open("rb") as file:
        kept = {message.id for message in read_po(file, "vi")}
    assert kept - {message.id for message in up_to_date(folder)} == set()

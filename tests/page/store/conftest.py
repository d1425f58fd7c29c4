"""The tests of the store run on both databases."""

import pytest

from octavo.page.store import Store


@pytest.fixture
def store(any_store: Store) -> Store:
    return any_store

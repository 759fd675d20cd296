"""The documents of the API's tests."""

from tests.api.conftest import shelf_data, shelf_file

__all__ = ["shelf_data", "shelf_file"]

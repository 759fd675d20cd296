from tests.fakes import SHELF
from pathlib import Path
import time
def test_a(open_catalogue, seed_data: Path) -> None:
    t=time.time()
    c = open_catalogue(SHELF, "other.db")
    assert len(c) == len(SHELF)
    print(time.time()-t)

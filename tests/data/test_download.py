import gzip
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from octavo import data
from octavo.data.download import checksum, fetch
from octavo.errors import OctavoError

ROWS = b"".join(b"%d.5,%d\n" % (row, -row) for row in range(60_000))
CONTENT = gzip.compress(ROWS, mtime=0)
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"


@dataclass
class Origin:
    """A public origin on this machine, and how it behaves."""

    url: str
    content: bytes = CONTENT
    ranges: bool = True
    stop_after: int = 0
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def origin() -> Iterator[Origin]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.asked.append(self.headers.get("Range", "all"))
            if self.path != "/exchange_rate.txt.gz":
                self.send_error(404)
                return
            first = 0
            if served.ranges and (asked := self.headers.get("Range")):
                first = int(asked.removeprefix("bytes=").rstrip("-"))
                if first >= len(served.content):
                    self.send_error(416)
                    return
            rest = served.content[first:]
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(len(rest)))
            self.end_headers()
            self.wfile.write(rest[: served.stop_after] if served.stop_after else rest)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Origin(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def entry(origin: Origin, name: str = "exchange_rate.txt.gz", digest: str = DIGEST) -> data.Entry:
    file = data.File(f"{origin.url}/{name}", digest, "exchange_rate.txt.gz")
    return replace(data.entry("Exchange"), download=(file,))


def test_what_is_fetched_lies_in_the_data_folder_and_loads(folders: Path, origin: Origin) -> None:
    steps: list[tuple[str, int, int]] = []
    (path,) = data.get(entry(origin), progress=lambda *step: steps.append(step))
    assert path == folders / "multivariate" / "exchange_rate.txt.gz"
    assert path.read_bytes() == CONTENT
    assert [done for _, done, _ in steps] == sorted(done for _, done, _ in steps)
    assert steps[-1] == ("exchange_rate.txt.gz", len(CONTENT), len(CONTENT))
    series = data.load(entry(origin))
    assert np.array_equal(series.values[:, 1], -np.arange(60_000, dtype=np.float32))
    assert not list(folders.rglob("*.part"))


def test_without_octavo_data_it_lies_in_the_cache(
    folders: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCTAVO_DATA")
    (path,) = data.get(entry(origin))
    assert path == folders.parent / "cache" / "data" / "multivariate" / "exchange_rate.txt.gz"
    assert data.available("Exchange")


def test_what_is_here_is_not_fetched_again(folders: Path, origin: Origin) -> None:
    paths = data.get(entry(origin))
    assert data.get(entry(origin)) == paths
    assert origin.asked == ["all"]


@pytest.mark.parametrize("kind", ["sha256", "git"])
def test_another_checksum_is_an_error_with_both_sums(folders: Path, origin: Origin, kind: str) -> None:
    path = folders / "content"
    path.write_bytes(CONTENT)
    right, wrong = checksum(path, f"{kind}:"), f"{kind}:{'0' * 40}"
    with pytest.raises(OctavoError) as caught:
        data.get(entry(origin, digest=wrong))
    assert right in str(caught.value)
    assert wrong in str(caught.value)
    assert not list(folders.rglob("exchange_rate*"))
    assert not data.available("Exchange")
    assert data.get(entry(origin, digest=right))


def test_the_id_of_git_is_that_of_git_hash_object(tmp_path: Path) -> None:
    (tmp_path / "hello").write_text("hello\n")
    assert checksum(tmp_path / "hello", "git:") == "git:ce013625030ba8dba906f756967f9e9ca394464a"
    with pytest.raises(ValueError, match="md5:12"):
        checksum(tmp_path / "hello", "md5:12")


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_that_was_cut_short_goes_on(folders: Path, origin: Origin, ranges: bool) -> None:
    origin.ranges, origin.stop_after = ranges, 1000
    with pytest.raises(OctavoError, match="run it again to go on where it stopped"):
        data.get(entry(origin))
    assert not data.available("Exchange")
    origin.stop_after = 0
    (path,) = data.get(entry(origin))
    assert path.read_bytes() == CONTENT
    assert origin.asked == ["all", "bytes=1000-"]


@pytest.mark.parametrize("left", [b"spoilt", CONTENT, CONTENT + b"more"])
def test_a_partial_file_that_does_not_fit_is_started_over(folders: Path, origin: Origin, left: bytes) -> None:
    partial = folders / "multivariate" / "exchange_rate.txt.gz.part"
    partial.parent.mkdir()
    partial.write_bytes(left)
    (path,) = data.get(entry(origin))
    assert path.read_bytes() == CONTENT
    assert not partial.exists()


def test_two_at_once_fetch_it_once(folders: Path, origin: Origin) -> None:
    threads = [threading.Thread(target=data.get, args=(entry(origin),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (folders / "multivariate" / "exchange_rate.txt.gz").read_bytes() == CONTENT
    assert origin.asked == ["all"]


def test_no_network_is_one_clear_line(folders: Path, origin: Origin) -> None:
    nobody = replace(origin, url="http://127.0.0.1:9")
    with pytest.raises(
        OctavoError, match=r"^cannot reach 127\.0\.0\.1:9 \(.*\); connect to the network"
    ) as caught:
        data.get(entry(nobody))
    assert "\n" not in str(caught.value)


def test_an_origin_that_moved_is_one_clear_line(folders: Path, origin: Origin) -> None:
    with pytest.raises(OctavoError, match=r"/gone answered 404 Not Found; the origin may have moved"):
        data.get(entry(origin, name="gone"))


def test_only_the_web_is_fetched(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(OctavoError, match="only http and https"):
        fetch(data.File("file:///etc/hostname", DIGEST, "x"), tmp_path / "x")


def test_what_has_no_checksum_is_placed_by_hand(folders: Path) -> None:
    with pytest.raises(data.MissingData, match=r"timeseriesclassification\.com.*Handwriting_TRAIN\.ts"):
        data.get("Handwriting")


def test_a_data_folder_that_cannot_be_made_is_one_clear_line(
    tmp_path: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("OCTAVO_DATA", str(tmp_path / "file" / "data"))
    monkeypatch.setenv("OCTAVO_CACHE", str(tmp_path / "cache"))
    with pytest.raises(OctavoError, match=r"cannot make the data folder .*; set OCTAVO_DATA"):
        data.get(entry(origin))


def test_a_full_disk_is_one_clear_line(
    folders: Path, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OctavoError, match=r"cannot write .*exchange_rate.txt.gz \(No space left on device\)"):
        data.get(entry(origin))
    assert not data.available("Exchange")

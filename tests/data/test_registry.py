import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from octavo import data
from octavo.data.places import cache_folder, data_folders
from octavo.errors import Missing, OctavoError


def test_importing_and_listing_import_nothing_heavy() -> None:
    program = """
import sys
from octavo import data
[(entry.present, entry.size_on_disk, entry.how_to_get) for entry in data.entries()]
data.available("JapaneseVowels"), data.available("smollm2")
heavy = {"torch", "numpy", "aeon", "transformers", "gguf", "sentence_transformers", "filelock", "http.client"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_names_are_unique_and_every_entry_says_what_a_person_needs() -> None:
    entries = data.entries()
    assert len({entry.name for entry in entries}) == len(entries)
    for entry in entries:
        assert entry.title
        assert entry.licence
        assert entry.origin
        assert "\n" not in entry.how_to_get
        assert entry.how_to_get.endswith((".", ".)"))
        assert entry.generated or entry.homepage.startswith("https://"), entry.name
        assert entry.generated or entry.layouts, entry.name
        module, function = entry.loader.split(":")
        assert module.startswith("octavo.data.")
        assert function.startswith("load_")


def test_what_can_be_fetched_completes_a_layout_and_bears_a_checksum() -> None:
    for entry in data.entries():
        for file in entry.download:
            kind, _, digest = file.checksum.partition(":")
            assert len(digest) == {"sha256": 64, "git": 40}[kind]
            assert file.url.startswith("https://")
        if entry.download:
            come = {file.path.removesuffix(".gz") for file in entry.download}
            assert any(come == set(layout) for layout in entry.layouts), entry.name


@pytest.mark.parametrize(
    "name", ["ETTh1", "ETTh2", "StackOverflow", "BasicMotions", "JapaneseVowels", "smollm2"]
)
def test_the_names_that_papers_rely_on_are_listed(name: str) -> None:
    assert data.entry(name).name == name


def test_an_unknown_name_gets_suggestions() -> None:
    with pytest.raises(OctavoError, match="no data set or model is named 'etth1'; did you mean ETTh1"):
        data.load("etth1")
    with pytest.raises(OctavoError, match="lists them all"):
        data.available("qqqqqqqqqq")


def test_what_is_missing_says_how_to_get_it(folders: Path) -> None:
    assert not data.available("ETTh1")
    with pytest.raises(data.MissingData) as caught:
        data.load("ETTh1")
    assert isinstance(caught.value, Missing)
    assert caught.value.name == "ETTh1"
    assert "octavo data get ETTh1" in str(caught.value)
    assert "OCTAVO_DATA" in str(caught.value)
    # A worker process hands it to the runner.
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (data.MissingData, str(caught.value))


def test_a_missing_package_is_named_with_the_command_that_installs_it(folders: Path) -> None:
    entry = replace(data.entry("BasicMotions"), package="no_such_package")
    assert not entry.present
    with pytest.raises(data.MissingData, match=r"Install no_such_package: `pip install 'octavo\[laptop\]'`"):
        data.load(entry)


def test_a_data_folder_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCTAVO_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setenv("OCTAVO_CACHE", str(tmp_path / "cache"))
    with pytest.raises(data.MissingData, match="nowhere, which is not a folder"):
        data.load("ETTh2")


def test_data_are_searched_in_octavo_data_then_in_the_cache(folders: Path) -> None:
    assert data_folders() == (folders, cache_folder() / "data")
    in_cache = cache_folder() / "data" / "ett"
    in_cache.mkdir(parents=True)
    (in_cache / "ETTh1.csv").write_text("date,OT\n")
    assert data.entry("ETTh1").files == {"ETTh1.csv": in_cache / "ETTh1.csv"}
    (folders / "ett").mkdir()
    (folders / "ett" / "ETTh1.csv.gz").write_bytes(b"12345")
    assert data.entry("ETTh1").files == {"ETTh1.csv": folders / "ett" / "ETTh1.csv.gz"}
    assert data.entry("ETTh1").size_on_disk == 5


def test_the_cache_is_the_users_unless_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCTAVO_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "octavo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "octavo"
    monkeypatch.setenv("OCTAVO_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"


def test_half_of_the_files_is_not_present(folders: Path) -> None:
    folder = folders / "Handwriting"
    folder.mkdir()
    (folder / "Handwriting_TRAIN.ts").write_text("")
    assert not data.available("Handwriting")
    (folder / "Handwriting_TEST.ts").write_text("")
    assert data.available("Handwriting")


def test_data_of_ones_own_need_no_change_in_octavo(folders: Path) -> None:
    mine = data.Entry(
        name="MyPlant",
        kind="data",
        title="forecasting: a plant of our own",
        licence="private",
        origin="our own sensors",
        homepage="",
        loader="octavo.data.series:load_dated_series",
        folder="my_plant",
        layouts=(("plant.csv",),),
    )
    with pytest.raises(
        data.MissingData, match=r"MyPlant is not here\. Set OCTAVO_DATA to a folder that holds my_plant/"
    ):
        data.load(mine)
    (folders / "my_plant").mkdir()
    (folders / "my_plant" / "plant.csv").write_text("date,flow\n2020-01-01,1\n2020-01-02,2\n")
    assert data.available(mine)
    assert data.load(mine).columns == ("flow",)


def test_every_public_name_resolves() -> None:
    assert all(getattr(data, name) is not None for name in data.__all__)
    assert set(data.__all__) == set(dir(data))
    with pytest.raises(AttributeError, match="nonsense"):
        data.nonsense  # noqa: B018


def test_what_is_here_comes_first_and_what_is_not_is_said_after(folders: Path) -> None:
    found = data.load_each(["Handwriting", "Sin"])
    assert next(found).n_marks == 1
    with pytest.raises(data.MissingData, match="Handwriting"):
        next(found)

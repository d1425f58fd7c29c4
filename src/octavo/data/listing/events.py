"""Sets of event sequences."""

from octavo.data.registry import Entry, File

_RMTPP = "https://raw.githubusercontent.com/dunan/NeuralPointProcess/ce05ec14624d9127a978bf1e782bd459a77568cb/data/real/so"
_EVENT_FILES = ("train.time.txt", "train.event.txt", "test.time.txt", "test.event.txt")
_BADGES = File(
    f"{_RMTPP}/badges.csv",
    "sha256:583596ac4f64e7c0d8cf7df14da9da3cb276ceebe7f71770883a93b83bf81319",
    "badges.csv",
    347,
)
# The test folds: digest of the times, bytes, digest of the events, bytes.
_FOLDS = (
    (
        "1ae5f3da779c11062700b86bec92aa45661b91205fbc30a094ef7af49e60f98f",
        1_423_946,
        "27e57ff7354a064fcb763502404e241569dd9e55fc1cf81c0de8d04646c818ff",
        204_403,
    ),
    (
        "3226afc9e08fd50262f8bb9bb2b8bb0fbc3a9fd4dba3285dd56d3a03ba1309bf",
        1_431_704,
        "31e1c4fe57384ac48b091b7ea3b94b46615c729f570ddd71327d5c703abd858d",
        205_443,
    ),
    (
        "c99751f7732e7d37980ef0fe20292ac4240b41edd7b0c4de0751fccc989df54f",
        1_412_137,
        "e48ec40a889eb05b9066a1ac9344f9931751f47e672d7b1a60fe42fc60b92391",
        202_486,
    ),
    (
        "1985562e3a739e9860033e80d4d9af2da0b1b4b68a75868f240798ab38cfee29",
        1_417_450,
        "266fbaf11abe1e9af267b55def8c327e58d6e7272ed37534592e3a40edd7e2bf",
        203_690,
    ),
    (
        "d25ee096fe2b02eb03f5af2a2889222e5b3f02caf220fa732ddacfa265490e15",
        1_429_113,
        "8ec6bbd85cc5d7fd56be4f3d550fa305efe64f3f851a99c9c878da574092c1b6",
        204_879,
    ),
)


def _fold(kind: str, fold: int, digest: str, size: int) -> File:
    name = f"{kind}-{fold}-test.txt"
    return File(f"{_RMTPP}/{name}", f"sha256:{digest}", name, size)


_TEST_FOLDS = tuple(
    file
    for fold, (times, times_size, events, events_size) in enumerate(_FOLDS, start=1)
    for file in (_fold("time", fold, times, times_size), _fold("event", fold, events, events_size))
)
_FIRST_FOLD = (
    File(f"{_RMTPP}/time-1-train.txt", "git:7b2bb85c302e312ab04766ed9124f73352711ecc", "time-1-train.txt"),
    File(
        f"{_RMTPP}/event-1-train.txt",
        "sha256:af437382e65064e63e7b4a44607edd595c18837a4f82ae00eeb84bb665bf8c44",
        "event-1-train.txt",
        805_539,
    ),
    *_TEST_FOLDS[:2],
)
_EVENTS_LOADER = "octavo.data.events:load_event_files"
_BADGES_LICENCE = "the repository states none; derived from the Stack Exchange data dump (CC BY-SA)"

EVENTS: tuple[Entry, ...] = (
    Entry(
        name="StackOverflow",
        kind="data",
        title="events: badges of 22 kinds given to 4,468 users, training users from test folds 2 to 5",
        licence=_BADGES_LICENCE,
        origin="github.com/dunan/NeuralPointProcess",
        homepage="https://github.com/dunan/NeuralPointProcess",
        loader=_EVENTS_LOADER,
        size=8_100_000,
        folder="stackoverflow_badges",
        layouts=(
            (*_EVENT_FILES, "badges.csv"),
            (*(file.path for file in _TEST_FOLDS), "badges.csv"),
        ),
        download=(*_TEST_FOLDS, _BADGES),
        options={"mark_names_file": "badges.csv"},
    ),
    Entry(
        name="StackOverflowFull",
        kind="data",
        title="events: badges of 22 kinds given to 6,633 users, the first fold of the literature",
        licence=_BADGES_LICENCE,
        origin="github.com/dunan/NeuralPointProcess",
        homepage="https://github.com/dunan/NeuralPointProcess",
        loader=_EVENTS_LOADER,
        size=8_000_000,
        folder="stackoverflow_badges",
        layouts=((*(file.path for file in _FIRST_FOLD), "badges.csv"),),
        download=(*_FIRST_FOLD, _BADGES),
        options={"mark_names_file": "badges.csv"},
    ),
    Entry(
        name="Sin",
        kind="data",
        title="events: a Poisson process of intensity 1 + sin t with its exact likelihood",
        licence="generated",
        origin="generated from a seed",
        homepage="",
        loader="octavo.data.sin_events:load_sin_events",
        generated=True,
    ),
)

"""Sets of labelled time series."""

from octavo.data.registry import Entry

_AEON = "pip install 'octavo[laptop]'"

# Data sets that the package aeon brings: name, what it is, bytes.
_IN_AEON = (
    ("ACSF1", "power draw of 10 kinds of home appliances, 1 channel, 1,460 steps", 3_318_354),
    ("ArrowHead", "outlines of 3 kinds of projectile points, 1 channel, 251 steps", 585_251),
    ("BasicMotions", "4 activities from a smart watch, 6 channels, 100 steps, 40 + 40 series", 455_503),
    ("GunPoint", "hand height with and without a gun, 1 channel, 150 steps, 50 + 150 series", 336_493),
    (
        "ItalyPowerDemand",
        "days of winter or summer by power demand, 1 channel, 24 steps, 67 + 1,029 series",
        292_354,
    ),
    ("JapaneseVowels", "9 speakers by their vowels, 12 channels, 7 to 29 steps, 270 + 370 series", 1_137_103),
    ("OSULeaf", "outlines of 6 kinds of leaves, 1 channel, 427 steps, 200 + 242 series", 2_105_969),
    (
        "PickupGestureWiimoteZ",
        "10 gestures of picking up, 1 channel, 29 to 361 steps, 50 + 50 series",
        88_233,
    ),
)

# Further sets of the same archive, in the same format: name, what it is.
_IN_ARCHIVE = (
    ("EthanolConcentration", "4 strengths of spirits by spectrum, 3 channels, 1,751 steps, 261 + 263 series"),
    ("FaceDetection", "face or scrambled picture by MEG, 144 channels, 62 steps, 5,890 + 3,524 series"),
    ("Handwriting", "26 letters by the motion of a smart watch, 3 channels, 152 steps, 150 + 850 series"),
    ("Heartbeat", "normal or abnormal heart sounds, 61 channels, 405 steps, 204 + 205 series"),
    ("PEMS-SF", "7 days of the week by road occupancy, 963 channels, 144 steps, 267 + 173 series"),
    ("SelfRegulationSCP1", "cursor up or down by EEG, 6 channels, 896 steps, 268 + 293 series"),
    ("SelfRegulationSCP2", "cursor up or down by EEG, 7 channels, 1,152 steps, 200 + 180 series"),
    ("SpokenArabicDigits", "10 spoken digits, 13 channels, 4 to 93 steps, 6,599 + 2,199 series"),
    ("UWaveGestureLibrary", "8 gestures, 3 channels, 315 steps, 120 + 320 series"),
)

_LABELLED = "octavo.data.labelled_series:load_labelled_series"
_ARCHIVE_LICENCE = "none stated; offered for research by the UEA & UCR archive, cite it"


def _ts_files(name: str) -> tuple[str, str]:
    return f"{name}_TRAIN.ts", f"{name}_TEST.ts"


def _in_aeon(name: str, what: str, size: int) -> Entry:
    return Entry(
        name=name,
        kind="data",
        title=f"classification: {what}",
        licence=_ARCHIVE_LICENCE,
        origin="the UEA & UCR time series archive, as the package aeon brings it",
        homepage=f"https://www.timeseriesclassification.com/description.php?Dataset={name}",
        loader=_LABELLED,
        size=size,
        package="aeon",
        install=_AEON,
        package_files=tuple(f"datasets/data/{name}/{file}" for file in _ts_files(name)),
        folder=name,
        layouts=(_ts_files(name),),
    )


def _in_archive(name: str, what: str) -> Entry:
    train, test = _ts_files(name)
    return Entry(
        name=name,
        kind="data",
        title=f"classification: {what}",
        licence=_ARCHIVE_LICENCE,
        origin="the UEA & UCR time series archive",
        homepage=f"https://www.timeseriesclassification.com/description.php?Dataset={name}",
        loader=_LABELLED,
        folder=name,
        layouts=((train, test),),
        by_hand=f"unpack https://www.timeseriesclassification.com/aeon-toolkit/{name}.zip and put {train} "
        f"and {test} into the folder {name} of OCTAVO_DATA (its checksum is unknown, so it is not fetched)",
    )


LABELLED_SERIES: tuple[Entry, ...] = (
    *(_in_aeon(*facts) for facts in _IN_AEON),
    *(_in_archive(*facts) for facts in _IN_ARCHIVE),
)

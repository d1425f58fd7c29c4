"""Long series to be forecast."""

from octavo.data.registry import Entry, File

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


SERIES: tuple[Entry, ...] = (
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
        "the folder weather of OCTAVO_DATA (its checksum is unknown, so it is not fetched)",
    ),
)

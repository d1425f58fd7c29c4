"""Fields on grids: equations and their solutions."""

from octavo.data.registry import Entry, File

_ORIGIN = (
    "https://raw.githubusercontent.com/neuraloperator/neuraloperator/"
    "93d3f0633e048c915004cd782cb339acf06e1157/neuralop/data/datasets/data"
)


def _small(name: str, title: str, loader: str, files: dict[str, tuple[str, int]]) -> Entry:
    return Entry(
        name=name,
        kind="data",
        title=f"operators: {title}",
        licence="MIT",
        origin="github.com/neuraloperator/neuraloperator",
        homepage="https://github.com/neuraloperator/neuraloperator",
        loader=f"octavo.data.fields:{loader}",
        size=sum(size for _, size in files.values()),
        folder="pde_small",
        # As they are published, or as arrays of NumPy.
        layouts=(tuple(f"{file}.pt" for file in files), tuple(f"{file}.npz" for file in files)),
        download=tuple(
            File(f"{_ORIGIN}/{file}.pt", f"git:{blob}", f"{file}.pt", size)
            for file, (blob, size) in files.items()
        ),
    )


FIELDS: tuple[Entry, ...] = (
    _small(
        "DarcySmall",
        "1000 two-phase media and their pressures, 16 points a side, to be tested on 16 and 32",
        "load_darcy",
        {
            "darcy_train_16": ("95c259748a48b03c202704a5b643de1317582796", 1_280_999),
            "darcy_test_16": ("5ad70d66c3cd8e2b5de3c8c0516ba7c6a9f1b738", 64_999),
            "darcy_test_32": ("582350c135037d5e0d363bf67f30b8a1366cc138", 256_999),
        },
    ),
    _small(
        "BurgersSmall",
        "800 velocities on a circle of 16 points and 16 steps of Burgers' equation from each",
        "load_burgers",
        {
            "burgers_train_16": ("26b573c04eb029554bc2268fca09e4da1a6b4ddb", 2_766_547),
            "burgers_test_16": ("879b52f62b86e835e84f5d1d1cff7df50fc5fdb2", 2_766_540),
        },
    ),
)

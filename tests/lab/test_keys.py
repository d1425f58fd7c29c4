import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.lab.keys import key, mix

numbers = st.integers(-(2**63), 2**63 - 1)


def test_mix_is_splitmix64() -> None:
    state, outputs = 1234567, []
    for _ in range(3):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        outputs.append(mix(state))
    # The first outputs of the reference implementation with this seed.
    assert outputs == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_keys_are_the_same_in_every_process() -> None:
    program = "from octavo.lab.keys import key; print(key(7, 'order', 3, -1))"
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert int(printed) == key(7, "order", 3, -1)


def test_keys_need_no_torch() -> None:
    program = "import sys; from octavo.lab.keys import key; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@given(numbers, st.text(max_size=8), st.lists(numbers, max_size=4))
def test_a_key_has_64_bits_and_depends_on_each_argument(seed: int, stream: str, places: list[int]) -> None:
    word = key(seed, stream, *places)
    assert 0 <= word < 2**64
    assert word == key(seed, stream, *places)
    assert word != key(seed ^ 1, stream, *places)
    assert word != key(seed, stream + "x", *places)
    assert word != key(seed, stream, *places, 0)
    for place in range(len(places)):
        changed = [*places[:place], places[place] ^ 1, *places[place + 1 :]]
        assert word != key(seed, stream, *changed)


def test_keys_of_neighbours_share_half_of_their_bits() -> None:
    flips = [(key(0, "a", step) ^ key(0, "a", step + 1)).bit_count() for step in range(2000)]
    assert abs(sum(flips) / len(flips) - 32) < 0.5


def test_order_of_numbers_matters() -> None:
    assert key(0, "a", 1, 2) != key(0, "a", 2, 1)


def test_a_number_of_more_than_64_bits_is_refused() -> None:
    with pytest.raises(ValueError, match="64-bit"):
        key(0, "a", 2**64)

import time

from octavo.sequence.aaren.demo import demo, heartbeat


def test_the_state_is_flat_the_cache_grows_and_the_figure_is_drawn() -> None:
    start = time.process_time()
    short, long = (demo(values=values, steps=3, horizon=4) for values in (8, 32))
    assert short["bytes_of_aaren"] == long["bytes_of_aaren"]
    assert long["bytes_of_a_transformer"] > short["bytes_of_a_transformer"] > short["bytes_of_aaren"]
    assert len(long["figure"].axes) == 2
    assert "32:" in long["text"]
    assert time.process_time() - start < 10


def test_training_teaches_it_more_than_repeating_the_last_value() -> None:
    result = demo(values=60, steps=60)
    assert result["mean_error"] < 0.9 * result["mean_error_of_repeating_the_last_value"]


def test_the_heartbeat_is_a_function_of_its_seed() -> None:
    assert (heartbeat(300, 1) == heartbeat(300, 1)).all()
    assert (heartbeat(300, 1) != heartbeat(300, 2)).any()

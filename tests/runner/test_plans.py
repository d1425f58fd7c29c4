import pytest

from octavo import runner
from octavo.errors import OctavoError


def test_seed_zero_of_every_part_comes_first() -> None:
    plan = runner.plan("small_lines", seeds=3)
    assert [(unit.part, unit.seed) for unit in plan.units] == [
        ("closed_form", 0),
        ("descent", 0),
        ("ambient", 0),
        ("alone", 0),
        ("closed_form", 1),
        ("descent", 1),
        ("ambient", 1),
        ("closed_form", 2),
        ("descent", 2),
        ("ambient", 2),
    ]


def test_more_seeds_lie_in_the_same_folder_and_another_setting_in_another() -> None:
    plan = runner.plan("small_lines")
    assert runner.plan("small_lines", seeds=7).folder == plan.folder
    assert runner.plan("small_lines", overrides={"points": 65}).folder != plan.folder


def test_parts_are_chosen_in_order_of_definition() -> None:
    plan = runner.plan("small_lines", parts=["alone", "descent"])
    assert [part.name for part in plan.parts] == ["descent", "alone"]
    assert not plan.whole
    assert runner.plan("small_lines").whole


def test_a_part_has_seeds_of_its_own_but_for_a_trial_of_everything() -> None:
    def seeds(scale: str) -> int:
        return len([unit for unit in runner.plan("mgno", scale).units if unit.part == "universality"])

    assert seeds("laptop") == 5 > runner.scales("mgno")["laptop"].seeds
    assert seeds("smoke") == runner.scales("mgno")["smoke"].seeds == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"paper": "small_linse"}, "small_lines"),
        ({"paper": "small_lines", "scale": "labtop"}, "Did you mean laptop"),
        ({"paper": "small_lines", "overrides": {"point": 3}}, "Did you mean points"),
        ({"paper": "small_lines", "parts": ["decent"]}, "Did you mean descent"),
        ({"paper": "small_lines", "parts": []}, "without a part"),
        ({"paper": "small_lines", "seeds": 0}, "at least one"),
        ({"paper": "small_lines", "overrides": {"seeds": 0}}, "at least one"),
        ({"paper": "small_lines", "overrides": {"points": -3}}, "points=-3"),
        ({"paper": "small_lines", "overrides": {"trace": float("nan")}}, "finite"),
    ],
)
def test_what_does_not_exist_is_one_clear_line(arguments: dict, said: str) -> None:
    with pytest.raises(OctavoError, match=said) as caught:
        runner.plan(**arguments)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_scales_and_the_class_of_their_configs() -> None:
    assert list(runner.scales("small_lines")) == ["smoke", "laptop", "paper"]
    assert runner.config_class("small_lines")().points == 64

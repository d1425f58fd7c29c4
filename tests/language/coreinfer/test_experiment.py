"""The experiment measures what the card claims; the smoke run itself is a row of the furniture test."""

from octavo import catalogue


def test_every_claim_has_a_figure_and_its_place_in_the_paper() -> None:
    claims = catalogue.paper("coreinfer").claims
    assert claims, "paper.toml has no claims: write them before the first run"
    assert all(claim.figure and claim.source for claim in claims)

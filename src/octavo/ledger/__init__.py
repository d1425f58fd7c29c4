"""The ledger: every claim of every paper with a verdict that a rule computed from records alone."""

from octavo.ledger import published
from octavo.ledger.judgement import Component, Effect, Judgement
from octavo.ledger.judging import check_condition, judge, judge_run
from octavo.ledger.leaderboard import compare
from octavo.ledger.parser import ConditionError, parse
from octavo.ledger.publishing import publish
from octavo.ledger.verification import verify

__all__ = [
    "Component",
    "ConditionError",
    "Effect",
    "Judgement",
    "check_condition",
    "compare",
    "judge",
    "judge_run",
    "parse",
    "publish",
    "published",
    "verify",
]

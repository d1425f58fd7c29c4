"""The ledger: every claim of every paper with a verdict that a rule computed from records alone."""

from octavo.ledger.judgement import Component, Effect, Judgement
from octavo.ledger.judging import check_condition, judge, judge_run
from octavo.ledger.parser import ConditionError, parse

__all__ = [
    "Component",
    "ConditionError",
    "Effect",
    "Judgement",
    "check_condition",
    "judge",
    "judge_run",
    "parse",
]

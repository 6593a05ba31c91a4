"""HealthJudge: what one answer after the other means for a task: whether to say something, whether it is to end."""

# Who calls: checks.py, one judge a task. Pure: how old the task is comes in as a number.
# Source: Mesos src/checks/health_checker.cpp (success, failure).

from dataclasses import dataclass

from mesoslite.model.checks import HealthCheck


@dataclass(frozen=True, slots=True)
class Finding:
    """What is to be said of a task, and whether it is to be ended for it."""

    healthy: bool
    ends: bool = False


@dataclass(slots=True)
class HealthJudge:
    """Judges by ``check``; ``has_passed`` once the task was healthy, ``failures`` in a row since then."""

    check: HealthCheck
    has_passed: bool = False
    failures: int = 0

    def judge(self, passed: bool, age_seconds: float) -> Finding | None:
        """What an answer of a task of that age means; None: nothing that is to be said.

        Only the first of several that pass is; until then those that fail do not count as long as the task is young.
        """
        if passed:
            is_news = self.failures > 0 or not self.has_passed
            self.has_passed, self.failures = True, 0
            return Finding(True) if is_news else None
        if not self.has_passed and age_seconds <= self.check.grace_period_seconds:
            return None
        self.failures += 1
        return Finding(False, ends=self.failures >= self.check.consecutive_failures)

"""Each feature changes some plan: an oracle that does not know it contradicts the allocator, one that does agrees."""

# Goal: no feature is there in name only, and none is left untried by the runs of test_oracle.py.
# Method: random runs with the feature (and what it takes to see it) until a plan differs from what the ignorant say.

import random

import pytest

from .oracle import FEATURES
from .scenario import Scenario

RUNS, STEPS = 60, 40
IT_TAKES = {  # features without which another one changes nothing
    "exclusion": ("gpus",),
    "hold_off": ("guarantees",),
    "refinement": ("reservations", "hierarchy"),
}


@pytest.mark.parametrize("feature", FEATURES)
def test_each_feature_changes_some_plan(feature: str) -> None:
    features = frozenset({feature, *IT_TAKES.get(feature, ())})

    for seed in range(RUNS):
        scenario = Scenario(random.Random(f"{feature}/{seed}"), features, without=feature)
        scenario.run(STEPS)
        if scenario.ignorant is None:
            return

    pytest.fail(f"without {feature} every plan of {RUNS} runs would have been the same")

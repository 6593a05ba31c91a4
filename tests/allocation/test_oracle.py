"""Whatever happens, with whichever features: each grant is the one that the oracle says, and nothing is left out."""

# Goal: what the allocator keeps ready never drifts from what the deltas add up to, and its rules are those of the
#   specification. Method: random runs beside the oracle (scenario.py); each pair of features is together in some run.

import random
from itertools import combinations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.thoroughness import usually

from .scenario import SCENARIO_FEATURES, Scenario

PAIRS = list(combinations(SCENARIO_FEATURES, 2))
STEPS = usually(14, 40)


@pytest.mark.parametrize("feature", SCENARIO_FEATURES)
def test_each_two_features_together_are_planned_as_the_oracle_says(feature: str) -> None:
    for pair in [pair for pair in PAIRS if pair[0] == feature]:
        Scenario(random.Random("/".join(pair)), frozenset(pair)).run(STEPS)


@given(rng=st.randoms(use_true_random=False), features=st.frozensets(st.sampled_from(SCENARIO_FEATURES)))
@settings(phases=[Phase.reuse, Phase.generate, Phase.shrink])
def test_any_features_together_are_planned_as_the_oracle_says(rng: random.Random, features: frozenset[str]) -> None:
    Scenario(rng, features).run(STEPS)

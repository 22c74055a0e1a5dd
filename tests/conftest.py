"""What all tests share: one deterministic hypothesis profile."""

from __future__ import annotations

import os

from hypothesis import settings

# derandomized so that a red CI is the commit's doing; HYPOTHESIS_PROFILE=default searches afresh
settings.register_profile("ci", derandomize=True, deadline=None, max_examples=60)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

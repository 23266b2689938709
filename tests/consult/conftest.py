"""Where the tests of asking begin: no key of whoever runs them."""

import pytest


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("AURICLE_LLM_KEY", "OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.delenv(name, raising=False)

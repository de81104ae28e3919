"""Every Python process that has this folder in its PYTHONPATH begins here: the tests of one
sabotage, and the services that they start."""

import os

if name := os.environ.get("SABOTAGE"):
    from tests.security.sabotage.table import SABOTAGES

    SABOTAGES[name].apply()

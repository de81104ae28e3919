"""The one place that names the release: the wheel, the command, the API and the log read it here.

It is not read from the installed package's metadata, which an editable install keeps as they were
when it was made.
"""

VERSION = "0.2.0"

"""Name the release for the wheel, the command, the API and the log.

The installed package's metadata would be out of date in an editable install.
"""

VERSION = "0.3.0"

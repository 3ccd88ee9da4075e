"""Who applies in mode `local`: the operating-system user, as the kernel knows it.

Neither `$USER` nor `$LOGNAME` is asked: anybody can set those.
"""

from __future__ import annotations

import os
import pwd


class LocalIdentity:
    """The real user of this process; implements `reconciler.ports.Identity`."""

    def principal(self) -> str:
        """Give `local:<user name>`, or `local:uid:<number>` where the user has no name.

        No user name can hold a colon, so no name can stand for a number.
        """
        uid = os.getuid()
        try:
            return f"local:{pwd.getpwuid(uid).pw_name}"
        except KeyError:
            return f"local:uid:{uid}"

"""Break a copy of the project in every way of the table and run each one's test.

Names, or parts of them, as arguments pick some. Ends with 1 unless all are caught.
"""

import sys

from tests.security.sabotage.table import SABOTAGES
from tests.security.sabotage.tree import copied


def main(*wanted: str) -> int:
    chosen = [
        sabotage
        for sabotage in SABOTAGES
        if not wanted or any(part in sabotage.name for part in wanted)
    ]
    if not chosen:
        print("No sabotage has such a name.")
        return 1
    caught = 0
    with copied() as tree:
        if tree.test(*dict.fromkeys(sabotage.test for sabotage in chosen)):
            print(f"The tests fail before anything is broken:\n{tree.said}")
            return 1
        for sabotage in chosen:
            with tree.sabotaged(sabotage.edits):
                is_red = tree.test(sabotage.test) == 1
            caught += is_red
            print(
                f"{'caught' if is_red else 'MISSED'}  {sabotage.name}: {sabotage.test}", flush=True
            )
            if not is_red:
                print(tree.said)
    print(f"{caught} of {len(chosen)} caught")
    return int(caught < len(chosen))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

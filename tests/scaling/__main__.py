"""What the page on scaling says of the data, measured anew: `make scaling`."""

import asyncio

from tests.scaling import partitions, sizes, spread, sqlite_sizes


def main() -> None:
    spread.main()
    asyncio.run(sizes.main())
    sqlite_sizes.main()
    partitions.main()


if __name__ == "__main__":
    main()

"""What rows take of PostgreSQL's disk, for the page on scaling: `make scaling`."""

import asyncio

from tests.scaling import sizes

if __name__ == "__main__":
    asyncio.run(sizes.main())

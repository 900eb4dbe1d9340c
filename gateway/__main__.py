"""`python -m gateway`, the same as `meeting-gateway`."""

import sys

from gateway.cli import main

sys.exit(main())

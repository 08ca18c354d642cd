"""`python -m gateway` is the daemon."""

import sys

from gateway.runtime.main import main

sys.exit(main())

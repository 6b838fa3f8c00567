"""Exit with 0 where a service of the container answers that it is well: healthy.py URL."""

import sys
import urllib.request

with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
    sys.exit(answer.status != 200)

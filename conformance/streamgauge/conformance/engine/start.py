"""The first lines of the supervisor's process: nothing is imported before its path is set.

It is run as a script. Python puts a script's folder first on the path, and modules of the user's
own may lie in other folders, so the path is the starter's, which comes as arguments.
"""

import sys

sys.path[:] = sys.argv[1:]

from streamgauge.conformance.engine.process import main  # noqa: E402 - the path comes first

if __name__ == "__main__":
    main()

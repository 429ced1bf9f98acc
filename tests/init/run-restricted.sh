#!/bin/sh
# run-restricted.sh [-u USER] [-w PATH]... [-x PATH]... COMMAND [ARG...]
#
# Run a command under the restrictions of init/tlsrpt-milter.service.in, as far
# as they can be had without systemd as process 1. restrict.py says how; with
# -l alone it lists what is carried out and what cannot be tried.
set -eu
python=python3
# A Python of one's own below a home directory would be hidden by ProtectHome.
[ ! -x /usr/bin/python3 ] || python=/usr/bin/python3
exec "$python" "$(dirname "$(readlink -f "$0")")/restrict.py" "$@"

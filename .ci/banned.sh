#!/bin/sh
# banned.sh -- no call of a banned function in our sources (the list and its reasons: banned.py).
# SPDX-License-Identifier: Apache-2.0
set -eu
exec python3 "$(dirname "$0")/banned.py"

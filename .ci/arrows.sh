#!/bin/sh
# arrows.sh -- every include follows the arrows between the rooms (arrows.py has the table).
# SPDX-License-Identifier: Apache-2.0
set -eu
exec python3 "$(dirname "$0")/arrows.py"

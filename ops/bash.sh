# shellcheck shell=bash
# The operator's commands source this file first. An older bash fails with errors such as "declare: -A: invalid option".
if [ $((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1])) -lt 404 ]; then
  echo "${0##*/}: bash $BASH_VERSION is too old: install 4.4 or later, and let PATH find it before /bin/bash" \
    "(macOS: brew install bash)" >&2
  exit 1
fi

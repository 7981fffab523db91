#!/usr/bin/env bash
# The guide's command: scripts/restore.sh [--dry-run] [--db-only] FILE | --from-s3 URI
set -euo pipefail
home="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
[ -x "$home/.venv/bin/sqlitevault" ] || make --silent -C "$home" setup >&2
exec "$home/.venv/bin/sqlitevault" restore "$@"

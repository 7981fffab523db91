#!/usr/bin/env bash
# The guide's command: scripts/backup.sh [--db-only|--config-only] [--to s3://bucket/prefix/]
set -euo pipefail
home="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
[ -x "$home/.venv/bin/sqlitevault" ] || make --silent -C "$home" setup >&2
exec "$home/.venv/bin/sqlitevault" backup "$@"

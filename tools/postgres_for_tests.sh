#!/usr/bin/env bash
# Run a command beside a private PostgreSQL server that listens on a socket only and is gone afterwards:
#   tools/postgres_for_tests.sh .venv/bin/python -m pytest tests/unit/store
# Needs PostgreSQL's programs (Debian: apt-get install postgresql). PostgreSQL does not run as root, so where this
# is started by root, the server runs as the user "postgres" that the package makes.
set -euo pipefail

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1 || true)
[ -n "$bin" ] || bin=$(dirname "$(command -v pg_ctl || echo /nonexistent/pg_ctl)")
[ -x "$bin/initdb" ] || { echo "postgres_for_tests: PostgreSQL is not installed (apt-get install postgresql)" >&2; exit 69; }

folder=$(mktemp -d -t twinmatch-pg.XXXXXX)
if [ "$(id -u)" = 0 ]; then
  chown postgres "$folder"
  as() { setpriv --reuid=postgres --regid=postgres --clear-groups env -C "$folder" "$@"; }
else
  as() { env -C "$folder" "$@"; }
fi
stop() { as "$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$folder"; }
trap stop EXIT

as "$bin/initdb" -D "$folder/data" -U twinmatch --auth=trust --encoding=UTF8 --no-locale >/dev/null
as "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -o "-c listen_addresses='' -c unix_socket_directories='$folder' -c fsync=off" start >/dev/null
chmod 755 "$folder"
as "$bin/createdb" -h "$folder" -U twinmatch twinmatch

export TWINMATCH_TEST_POSTGRES="postgresql://twinmatch@/twinmatch?host=$folder"
"$@"

#!/bin/sh
# The server of the tests against PostgreSQL 18; see fetch_pg.sh.
exec "$(dirname "$0")/fetch_pg.sh" 18

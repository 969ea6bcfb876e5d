#!/bin/sh
# An sshd of the tests' own, on loopback, with keys of its own. sshd.sh start FOLDER [OPTION=VALUE…] prints its port; sshd.sh stop FOLDER.
# FOLDER/client is an .ssh folder: id_ed25519 may log in as the calling user, id_locked (passphrase "words of mine") too.
set -eu
command=$1
dir=$2
shift 2

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start() {
    mkdir -p "$dir/client"
    chmod 0700 "$dir" "$dir/client"
    [ -d /run/sshd ] || mkdir -p /run/sshd
    [ -f "$dir/host_key" ] || ssh-keygen -q -t ed25519 -N '' -f "$dir/host_key"
    [ -f "$dir/client/id_ed25519" ] || ssh-keygen -q -t ed25519 -N '' -f "$dir/client/id_ed25519"
    [ -f "$dir/client/id_locked" ] || ssh-keygen -q -t ed25519 -a 8 -N 'words of mine' -f "$dir/client/id_locked"
    cat "$dir/client/id_ed25519.pub" "$dir/client/id_locked.pub" >"$dir/authorized_keys"
    port=$(free_port)
    { # the first line of a kind counts
        for option; do
            echo "$option" | tr = ' '
        done
        echo "Port $port"
        echo "ListenAddress 127.0.0.1"
        echo "HostKey $dir/host_key"
        echo "PidFile $dir/sshd.pid"
        echo "AuthorizedKeysFile $dir/authorized_keys"
        echo "StrictModes no"
        echo "UsePAM no"
        echo "PasswordAuthentication no"
        echo "PermitRootLogin yes"
    } >"$dir/sshd_config"
    /usr/sbin/sshd -f "$dir/sshd_config" -E "$dir/sshd.log"
    for _ in 1 2 3 4 5 6 7 8 9 10; do # it leaves before it listens
        python3 -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2>/dev/null && break
        sleep 0.2
    done
    echo "$port"
}

case $command in
start) start "$@" ;;
stop) [ ! -f "$dir/sshd.pid" ] || kill "$(cat "$dir/sshd.pid")" ;;
*) exit 2 ;;
esac

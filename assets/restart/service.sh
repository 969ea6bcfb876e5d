# What a restart needs from the service manager, apart from what is done in the data directory. POSIX sh, run by root or by
# somebody whom sudo lets call systemctl without a password.
#
#   sh -c "$(cat service.sh)" pg_diagnose-service unit=UNIT manager=root|sudo access=root|owner|sudo owner=USER \
#       "$(cat restart.sh)" MODE data=DIR … unit=UNIT
#
# It starts restart.sh as the owner of the data directory, and does the two things that it asks for, one line each: "@restart"
# and "@log". So nothing is ever written in the data directory, or read from it, with more rights than its owner has. What else
# restart.sh prints is passed on.
set -u

for arg; do
    case $arg in
    unit=*) unit=${arg#unit=} ;;
    manager=*) manager=${arg#manager=} ;;
    access=*) access=${arg#access=} ;;
    owner=*) owner=${arg#owner=} ;;
    *) break ;;
    esac
    shift
done
script=$1
shift

systemd() {
    if [ "$manager" = sudo ]; then
        sudo -n systemctl "$@"
    else
        systemctl "$@"
    fi
}

as_owner() {
    case $access in
    root)
        if command -v setpriv >/dev/null 2>&1; then
            setpriv --reuid "$owner" --regid "$(id -g "$owner")" --init-groups "$@"
        else
            runuser -u "$owner" -- "$@"
        fi
        ;;
    sudo) sudo -n -u "$owner" -- "$@" ;;
    *) "$@" ;;
    esac
}

# The newest line of the unit's journal that explains a failed start.
journal() {
    journalctl -u "$unit" -n 200 -o cat --since "@$1" 2>/dev/null | grep -E 'FATAL|PANIC' | tail -n 1
}

# Ours to finish, whoever leaves meanwhile. A handler, since what is ignored would stay so in what we start.
trap : HUP INT TERM

# Answers go back through a pipe without a name; its reader must not hold its other end, so that it sees us die.
work=$(mktemp -d) && mkfifo "$work/answers" || exit 1
exec 3<>"$work/answers" 4<"$work/answers" 5>"$work/answers" 3>&-
rm -rf "$work"

as_owner sh -c "$script" pg_diagnose-restart "$@" <&4 4<&- 5>&- | while IFS= read -r line; do
    case $line in
    @restart)
        since=$(date +%s)
        systemd restart "$unit" </dev/null >/dev/null 2>&1
        echo "end $?" >&5
        ;;
    @log)
        journal "${since:-0}" >&5
        echo "end 0" >&5
        ;;
    *) printf '%s\n' "$line" ;;
    esac
done

#!/bin/sh
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
#
# What a new user sees: scripts/try_fresh.sh SUITE [COMMAND]
#
# Makes a minimal Debian (SUITE: bookworm, trixie) in a folder below ${TMPDIR:-/tmp}, clones HEAD into
# it, and follows the README there:
#   run    ./dev run, its curl pasted, the answer's cost headers, SIGTERM
#   test   ./dev test, nothing failed
# COMMAND is one of these two, or any shell command to run in the clone instead. Ends with
# "try_fresh SUITE: ok". Needs root, debootstrap and git.
#
# WEIR_FRESH_WORKTREE=1   takes the files of the working tree, as they are, instead of HEAD
# WEIR_FRESH_MIRROR=URL   where Debian is, if not where this machine's apt finds it
#
# All mounts are made in a mount namespace of our own and end with it, however we end: the folder is
# removed from outside, where they were never seen.
set -eu

say() { printf '%s\n' "try_fresh: $*"; }
die() { say "$*" >&2; exit 1; }

# ---- 1: outside ----

outside() { # SUITE [COMMAND]
    [ "$(id -u)" = 0 ] || die "needs root"
    for tool in debootstrap git unshare; do
        command -v "$tool" >/dev/null || die "needs $tool"
    done
    source=$(cd "$(dirname "$0")/.." && pwd)
    dir=$(mktemp -d "${TMPDIR:-/tmp}/weir-fresh.XXXXXX")
    child=""
    trap 'end' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    # In the background, so that a signal is ours at once; the namespace dies with unshare.
    unshare --mount --pid --fork --kill-child --mount-proc \
        "$0" --in-namespace "$dir/root" "$source" "$@" </dev/null &
    child=$!
    if wait "$child"; then code=0; else code=$?; fi
    child=""
    [ "$code" = 0 ] || die "$1: failed ($code)"
    say "took $(du -sh --one-file-system "$dir" | cut -f 1) on disk"
    printf 'try_fresh %s: ok\n' "$1"
}

end() {
    if [ -n "$child" ]; then
        kill -KILL "$child" 2>/dev/null || : # it does not heed SIGTERM; its child dies with it
        wait "$child" 2>/dev/null || :
    fi
    rm -rf --one-file-system "$dir"
}

# ---- 2: in a mount namespace: makes the root ----

# "URI RELEASE" of this machine's Debian archives, the main one first.
archives() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' "Created-By: Packages" |
        awk -v code="$(. /etc/os-release && echo "$VERSION_CODENAME")" '
            $3 == "main" && index($2, code) == 1 && !seen[$1, $2]++ {
                print length($2), $1, substr($2, length(code) + 1) }' | sort -n | cut -d ' ' -f 2-
}

# apt, pip and npm reach their registries as they do on this machine; nothing else is taken over.
take_over_settings() { # ROOT
    apt-config dump | grep -E '^Acquire::(Check-|https?(:| )|Retries|Force)' \
        >"$1/etc/apt/apt.conf.d/90machine" || :
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$1/etc/hosts"
    cp /etc/resolv.conf "$1/etc/resolv.conf"
    # Found by the package ca-certificates when it is installed.
    mkdir -p "$1/usr/local/share/ca-certificates"
    find /usr/local/share/ca-certificates -name '*.crt' \
        -exec cp {} "$1/usr/local/share/ca-certificates/" \; 2>/dev/null || :
    mkdir -p "$1/root/.config/pip"
    [ ! -f /etc/pip.conf ] || cp /etc/pip.conf "$1/etc/pip.conf"
    for file in ~/.pip/pip.conf ~/.config/pip/pip.conf; do
        [ ! -f "$file" ] || cp "$file" "$1/root/.config/pip/pip.conf"
    done
    for file in /etc/npmrc /usr/etc/npmrc /usr/local/etc/npmrc ~/.npmrc; do
        [ ! -f "$file" ] || cat "$file" >>"$1/root/.npmrc"
    done
}

copy_source() { # SOURCE TARGET
    if [ -n "${WEIR_FRESH_WORKTREE:-}" ]; then
        mkdir -p "$2"
        git -C "$1" ls-files -z -co --exclude-standard |
            (cd "$1" && xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh |
                tar -c --null -T - -f -) | tar -x -C "$2" -f -
    else
        git clone --quiet --depth 1 "file://$1" "$2"
    fi
}

# Names of the variables that a new user's shell would not have: all but those of proxies,
# registries and certificates. Folders of packages on this machine are not there.
foreign_variables() {
    echo PIP_FIND_LINKS
    env | sed -n 's/^\([A-Za-z_][A-Za-z_0-9]*\)=.*/\1/p' |
        grep -vE '^(PIP_.*|npm_config_.*|NPM_CONFIG_.*|.*_proxy|.*_PROXY|.*_CA_CERTS|SSL_CERT_.*)$'
}

in_namespace() { # ROOT SOURCE SUITE [COMMAND]
    root=$1 source=$2 suite=$3
    shift 3
    mirror=${WEIR_FRESH_MIRROR:-$(archives | sed -n '1s/ .*//p')}
    begun=$(date +%s)
    say "$suite: making a minimal root"
    debootstrap --variant=minbase "$suite" "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 ||
        { cat "$root.log"; die "debootstrap failed"; }
    if [ -z "${WEIR_FRESH_MIRROR:-}" ]; then
        archives | sed "s/^\([^ ]*\) \(.*\)/deb \1 $suite\2 main/" >"$root/etc/apt/sources.list"
    fi
    take_over_settings "$root"
    copy_source "$source" "$root/root/weir"
    cp "$0" "$root/tmp/try_fresh.sh"
    mount -t proc proc "$root/proc"
    say "$suite: the root took $(($(date +%s) - begun)) s"
    # debootstrap has made /dev.
    # shellcheck disable=SC2086,SC2046
    exec env $(foreign_variables | sed 's/^/-u /') HOME=/root LOGNAME=root TERM=dumb \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        chroot "$root" /tmp/try_fresh.sh --in-root "$@"
}

# ---- 3: in the root: follows the README ----

# Reads the running program's output to the end of what it prints at its start.
read_banner() { # FILE
    while IFS= read -r line <&3; do
        printf '%s\n' "$line" >>"$1"
        case $line in *"-d '{"*) return 0 ;; esac
    done
    return 1
}

pasted_curl() { # FILE
    sed -n '/^ *curl /,/[^\\]$/p' "$1"
}

check_answer() { # FILE
    for wanted in 'HTTP/1.1 200 ' 'x-weir-cost-usd: 0\.[0-9]*[1-9]' 'x-weir-input-tokens: [1-9]' \
        'x-weir-output-tokens: [1-9]' 'x-weir-budget: name=demo-day;window=day;limit=1\.00;spent=0\.'; do
        grep -q "^$wanted" "$1" || { cat "$1"; die "no '$wanted' in the answer"; }
    done
}

check_run() {
    begun=$(date +%s)
    mkfifo /tmp/run.fifo
    ./dev run >/tmp/run.fifo &
    pid=$!
    exec 3</tmp/run.fifo
    read_banner /tmp/run.out || { wait "$pid" || say "./dev run ended with $?"; die "no banner"; }
    cat <&3 >>/tmp/run.out & # or its log would find no reader
    say "./dev run answered after $(($(date +%s) - begun)) s; its curl:"
    pasted_curl /tmp/run.out | tee /tmp/curl.sh
    sh /tmp/curl.sh >/tmp/answer 2>/tmp/curl.log || { cat /tmp/curl.log; die "the curl failed"; }
    check_answer /tmp/answer
    grep -i '^[hx][t-].*' /tmp/answer
    kill -TERM "$pid"
    wait "$pid" || die "./dev run ended with $? on SIGTERM"
    say "run: ok"
}

check_test() {
    begun=$(date +%s)
    ./dev test >/tmp/test.out || { cat /tmp/test.out; die "./dev test failed"; }
    cat /tmp/test.out
    tail -n 1 /tmp/test.out |
        grep -qE '^[1-9][0-9]* passed, 0 failed(, [0-9]+ skipped)?$' || die "not the line promised"
    say "test: ok, after $(($(date +%s) - begun)) s"
}

in_root() { # [COMMAND]
    cd /root/weir
    case ${1:-both} in
    both) check_run && check_test ;;
    run) check_run ;;
    test) check_test ;;
    *) sh -c "$*" ;;
    esac
}

case ${1:-} in
--in-namespace) shift && in_namespace "$@" ;;
--in-root) shift && in_root "$@" ;;
bookworm | trixie) outside "$@" ;;
*)
    sed -n '5,16s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac

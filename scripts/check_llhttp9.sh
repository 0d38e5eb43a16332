#!/bin/sh
# SPDX-FileCopyrightText: The Weir authors
# SPDX-License-Identifier: Apache-2.0
#
# The tests of `wire` on llhttp 9, which Debian 12 does not have: scripts/check_llhttp9.sh
#
# Makes a small Debian 13 in build/debian13 (once; `./dev clean` removes it), builds base, wire and
# their tests there with its compiler and libraries, runs them, and ends with "N passed, N failed".
# Needs root and debootstrap. Where it cannot be done it says why: with CI=true that is a failure,
# else one skipped. The tests run on copies, without mounts, and nothing but the root is left.
#
# WEIR_FRESH_MIRROR=URL   where Debian is, if not where this machine's apt finds it
set -eu
cd "$(dirname "$0")/.."

PACKAGES=gcc,libc6-dev,libcjson-dev,libcmocka-dev,libllhttp-dev,zlib1g-dev
dir=build/debian13
root=$dir/root

say() { printf '%s\n' "check_llhttp9: $*"; }

cannot() {
    say "$*"
    if [ "${CI:-}" = true ]; then
        echo "0 passed, 1 failed"
        exit 1
    fi
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

need_tools() {
    [ "$(id -u)" = 0 ] || cannot "needs root, for chroot"
    command -v debootstrap >/dev/null && return
    [ "${CI:-}" = true ] || cannot "needs debootstrap: apt-get install debootstrap"
    apt-get update -qq >/dev/null 2>&1 || :
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap \
        >/dev/null 2>&1 || cannot "debootstrap cannot be installed"
}

# Where this machine has its own Debian from; debootstrap's default elsewhere.
mirror() {
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' "Created-By: Packages" |
        awk -v code="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")" \
            '$2 == code && $3 == "main" { print $1; exit }'
}

# A root is whole once it has its name. What debootstrap mounts ends with its namespace.
make_root() {
    [ "$(cat "$dir/packages" 2>/dev/null)" != "$PACKAGES" ] || return 0
    begun=$(date +%s)
    rm -rf --one-file-system "$dir"
    mkdir -p "$dir"
    if ! unshare --mount debootstrap --variant=minbase --include="$PACKAGES" trixie \
        "$PWD/$root" ${mirror:+"$mirror"} >"$dir/log" 2>&1; then
        tail -n 20 "$dir/log"
        cannot "debootstrap failed"
    fi
    rm -rf "$root/var/cache/apt/archives" "$root/var/lib/apt/lists"
    echo "$PACKAGES" >"$dir/packages"
    say "made a Debian 13 in $(($(date +%s) - begun)) s: $(du -sh "$root" | cut -f 1)"
}

# Calls each test file's function, as cmake/tests.cmake does, on llhttp 9 or later.
write_main() {
    echo '#include <llhttp.h>'
    echo '_Static_assert(LLHTTP_VERSION_MAJOR >= 9, "an older llhttp");'
    echo 'int main(void);'
    for test in tests/wire/test_*.c; do echo "int $(basename "$test" .c)(void);"; done
    echo 'int main(void) { int failed = 0;'
    for test in tests/wire/test_*.c; do echo "failed += $(basename "$test" .c)();"; done
    echo 'return failed == 0 ? 0 : 1; }'
}

copy_source() {
    rm -rf "$root/weir"
    mkdir -p "$root/weir/main"
    tar -c include/base include/wire src/base src/wire tests/wire | tar -x -C "$root/weir/main"
    write_main >"$root/weir/main/tests/wire/main.c"
    suites=../shared/data/conformance # where there are any, see tests/wire/suite_file.h
    if [ -d "$suites" ]; then
        mkdir -p "$root/weir/shared/data"
        cp -r "$suites" "$root/weir/shared/data/"
    fi
}

in_root() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }

build() {
    # shellcheck disable=SC2016 # expanded inside
    in_root JOBS="$(nproc)" sh -ec '
        cd /weir/main
        export FLAGS="-std=gnu17 -O1 -g -D_GNU_SOURCE -DWEIR_SOURCE_DIR=\"/weir/main\" -Iinclude
            -Isrc/base -Isrc/wire -Itests -isystem /usr/include/cjson -Wall -Wextra -Werror"
        ls src/base/*.c src/wire/*.c tests/wire/*.c |
            xargs -P "$JOBS" -I{} sh -c "exec gcc \$FLAGS -c {} -o \$(echo {} | tr / _).o"
        gcc -o test_wire ./*.o -lcmocka -lcjson -lllhttp -lz -lm -pthread'
}

tests() { # VERDICT
    sed -n "s/^\[ *$1 *\] \([a-z_0-9]*[a-z_][a-z_0-9]*\)$/\1/p" "$dir/log"
}

# As scripts/run_tests.py counts: a crash is one failure.
run() {
    in_root sh -c 'cd /weir/main && ./test_wire' >"$dir/log" 2>&1 ||
        code=$?
    passed=$(tests OK | grep -c . || :)
    # Named again in the summary of their group.
    failed=$(tests FAILED | sort -u | grep -c . || :)
    skipped=$(tests SKIPPED | sort -u | grep -c . || :)
    [ "$code" = 0 ] || [ "$failed" != 0 ] || failed=1
    [ "$failed" = 0 ] || cat "$dir/log"
}

need_tools
mirror=${WEIR_FRESH_MIRROR:-$(mirror)}
trap 'rm -rf "$root/weir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
make_root
copy_source
code=0
build
say "$(in_root gcc --version | sed -n 1p), llhttp $(in_root dpkg-query -W -f '${Version}' libllhttp-dev)"
run
printf '%s passed, %s failed' "$passed" "$failed"
[ "$skipped" = 0 ] || printf ', %s skipped' "$skipped"
echo
[ "$failed" = 0 ]

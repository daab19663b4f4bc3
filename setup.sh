#!/bin/sh
# Prepares a machine to build and run the tunnel; `./setup.sh test` prepares it for the tests too.
#
# Installs `just` if it is missing, and for the tests PostgreSQL's programs, three proxies, and Node and
# Python with the libraries of the apps that the tests wrap (as root on Debian), and below tests/sdks the
# SDKs that know webhooks' signatures and read flags; for everything else that is missing it prints the
# line to run.
# Safe to run again.
set -eu

say() {
    echo "setup: $*" >&2
}

# fail WHAT LINE: says what is missing and the line that brings it.
fail() {
    say "$1"
    say "run this, then $again:"
    printf '\n    %s\n\n' "$2" >&2
    exit 1
}

is_root() {
    [ "$(id -u)" = 0 ]
}

on_path() {
    case ":$PATH:" in *":$1:"*) ;; *) return 1 ;; esac
}

writable() {
    mkdir -p "$1" 2>/dev/null && [ -w "$1" ]
}

# is_at_least HAVE WANTED
is_at_least() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$2" ]
}

check_cargo() {
    if ! command -v cargo >/dev/null; then
        if [ -x "$cargo_bin/cargo" ]; then
            fail "cargo is in $cargo_bin, which is not on PATH" "export PATH=\"$cargo_bin:\$PATH\""
        fi
        fail 'cargo is missing' "$rustup_line"
    fi
    wanted=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
    have=$(cargo --version | cut -d ' ' -f 2)
    if ! is_at_least "$have" "$wanted"; then
        update=$rustup_line
        ! command -v rustup >/dev/null || update='rustup update stable'
        fail "cargo is $have, and $wanted or newer is needed" "$update"
    fi
    say "cargo $have: fine"
}

# Some crates build C, which takes the C library's headers too.
check_c_compiler() {
    if printf '#include <stdlib.h>\n' | cc -x c -fsyntax-only - 2>/dev/null; then
        say 'C compiler: fine'
    elif [ "$(uname)" = Darwin ]; then
        fail 'a C compiler is missing' 'xcode-select --install'
    elif command -v apt-get >/dev/null; then
        fail 'a C compiler is missing' 'apt-get install build-essential    # as root'
    else
        fail 'a C compiler is missing' 'install gcc or clang, as cc, with the C library'\''s headers'
    fi
}

provide_just() {
    if command -v just >/dev/null; then
        say "$(just --version): fine"
        return
    fi
    if on_path "$cargo_bin" && writable "$cargo_bin"; then
        root=${cargo_bin%/bin}
    elif is_root && on_path /usr/local/bin && writable /usr/local/bin; then
        root=/usr/local
    elif writable "$cargo_bin"; then
        fail "just is missing, and $cargo_bin, where cargo installs it, is not on PATH" \
            "export PATH=\"$cargo_bin:\$PATH\""
    else
        fail "just is missing, and $cargo_bin, where cargo installs it, cannot be written" \
            "export CARGO_HOME=\"\$HOME/.cargo\" PATH=\"\$HOME/.cargo/bin:\$PATH\""
    fi
    say "just is missing: installing it into $root/bin (a minute or two)"
    cargo install --locked --root "$root" just >&2
    say "$(just --version): installed"
}

provide_postgres() {
    if ! bin=$(sh crates/testkit/src/postgres/find.sh); then
        if ! command -v apt-get >/dev/null; then
            fail "PostgreSQL's server programs are missing" \
                'install PostgreSQL and put the folder of initdb and pg_ctl on PATH'
        elif ! is_root; then
            fail "PostgreSQL's server programs are missing" 'apt-get install postgresql    # as root'
        fi
        install_postgres
        bin=$(sh crates/testkit/src/postgres/find.sh) ||
            fail "PostgreSQL's package brought no server programs" 'apt-get install postgresql'
    fi
    if is_root && ! id postgres >/dev/null 2>&1; then
        fail 'PostgreSQL does not run as root, and there is no user postgres' \
            'useradd --system postgres'
    fi
    say "PostgreSQL's programs in $bin: fine"
}

# Debian's package makes a cluster, which the tests neither need nor want on somebody's machine: that is
# switched off while it is installed, and only then.
install_postgres() {
    say "PostgreSQL's server programs are missing: installing Debian's package, without a server"
    no_cluster=/etc/postgresql-common/createcluster.d/render-tunnel-setup.conf
    trap 'rm -f "$no_cluster"' EXIT
    trap 'exit 130' HUP INT TERM
    mkdir -p "${no_cluster%/*}"
    echo 'create_main_cluster = false' >"$no_cluster"
    install_stopped postgresql
    rm -f "$no_cluster"
    trap - EXIT HUP INT TERM
}

# Proxies as they stand in front of servers, and the one that a company's laptops go through. Debian
# keeps them in a folder that is not on everybody's PATH.
provide_proxies() {
    missing=
    for proxy in nginx haproxy tinyproxy; do
        PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v "$proxy" >/dev/null ||
            missing="$missing $proxy"
    done
    if [ -z "$missing" ]; then
        say 'nginx, haproxy, tinyproxy: fine'
        return
    fi
    install_missing 'proxies are missing' "install$missing, and put their programs on PATH"
    for service in $missing; do
        # It is not to start with the machine either.
        update-rc.d "$service" disable >/dev/null 2>&1 || :
    done
}

# What the wrapped apps of the tests are written with: in Node with Express and ws, in Python with
# Starlette and uvicorn.
provide_apps() {
    missing=
    NODE_PATH=/usr/share/nodejs node -e 'require("express"); require("ws")' 2>/dev/null ||
        missing="$missing node-express node-ws"
    /usr/bin/python3 -c 'import starlette, uvicorn, websockets' 2>/dev/null ||
        missing="$missing python3-starlette python3-uvicorn python3-websockets"
    if [ -z "$missing" ]; then
        say 'Node with Express and ws, Python with Starlette and uvicorn: fine'
        return
    fi
    install_missing "libraries of the tests' apps are missing" "install$missing"
}

# The SDKs of webhooks' providers, which judge what the tests sign and verify, and those of OpenFeature,
# which read the flags that are mirrored: in tests/sdks, of the versions that are written there, from
# wherever npm and pip are told to get them.
provide_sdks() {
    missing=
    command -v npm >/dev/null || missing="$missing npm"
    # Debian's Python makes no environments of its own without this package.
    /usr/bin/python3 -c 'import ensurepip' 2>/dev/null || missing="$missing python3-venv"
    [ -z "$missing" ] || install_missing "what installs the SDKs is missing" "install$missing"
    install_sdks npm tests/sdks/node_modules tests/sdks/package-lock.json
    install_sdks pip tests/sdks/.venv tests/sdks/requirements.txt
    say "SDKs of webhooks' providers and of OpenFeature for Node and Python: fine"
}

# install_sdks npm|pip FOLDER LIST: installs what the list says, unless it is the list that was
# installed last.
install_sdks() {
    if cmp -s "$3" "$2/.installed-by-setup"; then
        return
    fi
    say "the SDKs in $2 are missing or others: installing those of $3"
    line="sh -c '$(sdks_line "$1")'"
    eval "$line" </dev/null >&2 || fail "the SDKs in $2 cannot be installed" "$line"
    cp "$3" "$2/.installed-by-setup"
}

# sdks_line npm|pip: prints the line that installs the SDKs.
sdks_line() {
    case "$1" in
    npm) echo 'npm ci --prefix tests/sdks --ignore-scripts --no-audit --no-fund' ;;
    pip)
        venv=tests/sdks/.venv
        echo "/usr/bin/python3 -m venv --clear $venv && $venv/bin/pip install --require-hashes --no-deps" \
            "--only-binary :all: --disable-pip-version-check --requirement tests/sdks/requirements.txt"
        ;;
    esac
}

# install_missing WHAT LINE: installs Debian's packages of $missing, or says what to do.
install_missing() {
    if ! command -v apt-get >/dev/null; then
        fail "$1:$missing" "$2"
    elif ! is_root; then
        fail "$1:$missing" "apt-get install$missing    # as root"
    fi
    say "$1: installing Debian's packages, without their services:$missing"
    # Split on purpose: each is a package.
    # shellcheck disable=SC2086
    install_stopped $missing
}

# install_stopped PACKAGE...: Debian's packages start their services, which is switched off while
# these are installed, and only then.
install_stopped() (
    no_start=/usr/sbin/policy-rc.d
    # One that is there is somebody else's decision about the services of this machine.
    if [ ! -e "$no_start" ]; then
        trap 'rm -f "$no_start"' EXIT
        trap 'exit 130' HUP INT TERM
        printf '#!/bin/sh\nexit 101\n' >"$no_start"
        chmod 755 "$no_start"
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update </dev/null >&2
    apt-get install --yes --no-install-recommends "$@" </dev/null >&2
)

case "$*" in
'' | test) ;;
*)
    say "usage: ./setup.sh [test]"
    exit 2
    ;;
esac

cd "$(dirname "$0")"
again="./setup.sh${*:+ $*}"
rustup_line="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
cargo_bin=${CARGO_HOME:-$HOME/.cargo}/bin
check_cargo
check_c_compiler
provide_just
if [ "$*" = test ]; then
    provide_postgres
    provide_proxies
    provide_apps
    provide_sdks
    say 'ready; now: just test'
else
    say 'ready; now: just tunnel sync --table courses'
fi

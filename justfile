# Arguments are handed on as "$@", never pasted into a command: a table may be named `x"; $(y)`.
set positional-arguments

just := quote(just_executable()) + ' --justfile ' + quote(justfile())
target := absolute_path(env('CARGO_TARGET_DIR', 'target'))
debug := quote(target / 'debug')
release := quote(target / 'release')

# Lists these recipes.
default:
    @{{ just }} --list --unsorted

# Runs the client end in the caller's folder: just tunnel sync --table courses
[no-cd]
[no-exit-message]
tunnel *args: (_build 'cli' 'tunnel')
    @exec {{ release }}/tunnel "$@"

# Runs the server end in the caller's folder: just server --log-file app.log
[no-cd]
[no-exit-message]
server *args: (_build 'cli' 'tunnel-server')
    @exec {{ release }}/tunnel-server "$@"

# Serves the demo production until it is stopped.
[no-cd]
[no-exit-message]
demo *args: (_build 'cli' 'tunnel')
    @exec {{ release }}/tunnel demo "$@"

# Installs tunnel and tunnel-server with cargo.
install:
    cargo install --locked --path crates/cli

# Packs both programs for this machine's kind into target/dist, with the SHA-256 of the archive.
dist:
    #!/bin/sh
    set -eu
    target={{ quote(target) }}
    kind=$(rustc -vV | sed -n 's/^host: //p')
    # Static with musl, where it is installed. Never with glibc: such a program loads the machine's name
    # services into itself, and dies in them if that machine's glibc is another version.
    musl=${kind%-gnu}-musl
    if [ -d "$(rustc --print sysroot)/lib/rustlib/$musl" ] && command -v musl-gcc >/dev/null; then
        kind=$musl
    fi
    # Where it was built is nobody's business, and would make every folder's programs different.
    flags=$(printf -- '--remap-path-prefix=%s\037' "${CARGO_HOME:-$HOME/.cargo}=/cargo" "$PWD=/src")
    export CARGO_ENCODED_RUSTFLAGS="${flags%?}"
    cargo build --target-dir "$target" --locked --profile dist --target "$kind" --package cli --bins

    version=$(cargo pkgid --package cli | sed 's/.*[#@]//')
    name=render-tunnel-$version-$kind
    mkdir -p "$target/dist"
    cd "$target/dist"
    rm -rf "$name"
    mkdir -p "$name/completions"
    for file in "$target/$kind/dist/tunnel" "$target/$kind/dist/tunnel-server" \
        {{ quote(justfile_directory()) }}/README.md {{ quote(justfile_directory()) }}/LICENSE*; do
        [ ! -e "$file" ] || cp "$file" "$name"
    done
    for shell in bash zsh fish powershell; do
        "$name/tunnel" completions "$shell" >"$name/completions/tunnel.$shell"
    done
    "$name/tunnel" man --quiet "$name/man/man1" >/dev/null

    # The same programs make the same archive: in order, of one time and nobody's. Other tars than
    # GNU's do not know how.
    set --
    if tar --version | grep -q 'GNU tar'; then
        time=${SOURCE_DATE_EPOCH:-$(git -C {{ quote(justfile_directory()) }} log -1 --format=%ct || echo 0)}
        set -- --sort=name --mtime="@$time" --owner=0 --group=0 --numeric-owner --mode=u+w,go-w,a+rX
    fi
    tar "$@" -cf "$name.tar" "$name"
    gzip -9nf "$name.tar"
    rm -rf "$name"
    sums=sha256sum
    command -v sha256sum >/dev/null || sums='shasum -a 256'
    $sums "$name.tar.gz" >"$name.tar.gz.sha256"

    echo "made $PWD/$name.tar.gz, and .sha256 beside it" >&2
    newest=$(objdump -T "$target/$kind/dist/tunnel-server" 2>/dev/null |
        sed -n 's/.*(GLIBC_\([0-9.]*\)).*/\1/p' | sort -Vu | tail -n 1)
    [ -z "$newest" ] || echo "its programs need glibc $newest or newer" >&2

# Makes development certificates for a local HTTPS front in certs/.
certs:
    @cargo run --package transport --example certs -- {{ quote(justfile_directory()) }}/certs

# Runs every test with a PostgreSQL of the run's own; arguments are the runner's: just test -p wire
[no-exit-message]
test *args:
    @cargo build --target-dir {{ quote(target) }} --package testkit --example with_postgres
    @exec {{ debug }}/examples/with_postgres {{ just }} _test "$@"

# Checks format, lints and docs, with every warning an error.
lint:
    cargo fmt --all --check
    cargo clippy --locked --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --document-private-items

# Measures the tunnel against its targets: just bench --quick
[no-cd]
[no-exit-message]
bench *args: _build_bench
    @exec {{ release }}/tunnel-bench "$@"

# Builds one program as users run it; cargo shows how far it is.
_build package binary:
    @cargo build --target-dir {{ quote(target) }} --release --package "$1" --bin "$2"

# Builds the bench and the programs that it measures.
_build_bench:
    @cargo build --target-dir {{ quote(target) }} --release --package cli --package bench --bins

# Runs the tests on the PostgreSQL that is there.
[no-exit-message]
_test *args:
    #!/bin/sh
    set -eu
    case " $* " in
    *' -p '* | *' --package'*) ;;
    *) set -- --workspace "$@" ;;
    esac
    if ! cargo nextest --version >/dev/null 2>&1; then
        exec cargo test "$@"
    fi
    # nextest runs no doc tests, and its arguments choose among the others. Its summary comes last.
    [ "$*" != --workspace ] || cargo test --workspace --doc
    exec cargo nextest run "$@"

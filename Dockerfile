# The server end as an image of its own, and the place that other images take tunnel-server from.
#
#   docker build --tag render-tunnel .
#   docker run --rm --publish 3001:3001 --publish 3001:3001/udp --env RENDER_TUNNEL_SECRET render-tunnel
#
# To wrap an app, its image takes the program and starts the app through it (docs/DEPLOY.md):
#
#   COPY --from=render-tunnel /usr/local/bin/tunnel-server /usr/local/bin/
#   ENTRYPOINT ["tunnel-server", "run", "--"]
#   CMD ["node", "server.js"]

# The oldest Debian whose images must be able to run the program: it needs the C library of the Debian
# that it was built on, or a newer one.
FROM rust:1.95-slim-bookworm AS toolchain
WORKDIR /src

# The workspace with every source file emptied: it differs only when dependencies or files do.
FROM toolchain AS manifests
COPY . .
RUN find . -name '*.rs' -exec sh -c 'for file; do echo "fn main() { }" >"$file"; done' sh {} +

FROM toolchain AS build
# Dependencies, in a layer that changes to the code leave alone.
COPY --from=manifests /src .
RUN cargo build --locked --profile dist --package cli --bin tunnel-server
COPY . .
# cargo goes by time, and the files are older than what was just built from empty ones.
RUN find . -name '*.rs' -exec touch {} + \
    && cargo build --locked --profile dist --package cli --bin tunnel-server

FROM debian:trixie-slim AS server
# The roots by which it checks its database's certificate. The user has a number, so that what runs
# the image can see that it is not root; the folder is its own, for tunnel.toml and logs on a volume.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /var/lib/tunnel --shell /usr/sbin/nologin tunnel
COPY --from=build /src/target/dist/tunnel-server /usr/local/bin/
USER 10001:10001
WORKDIR /var/lib/tunnel
# HTTP on TCP, QUIC on UDP: PORT sets both.
EXPOSE 3001/tcp 3001/udp
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s CMD ["tunnel-server", "probe"]
ENTRYPOINT ["tunnel-server"]

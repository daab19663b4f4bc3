# The server end as an image: `docker build --tag tunnel-server .`

FROM rust:1.95-slim-trixie AS toolchain
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

FROM debian:trixie-slim
# The roots by which it checks its database's certificate.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --home-dir /var/lib/tunnel tunnel
COPY --from=build /src/target/dist/tunnel-server /usr/local/bin/
USER tunnel
WORKDIR /var/lib/tunnel
ENTRYPOINT ["tunnel-server"]

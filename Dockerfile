# Not built by CI; tests/supply.rs checks that what is copied is a whole workspace. `docker build -t claimfeed .`
# Runs as a user without rights; give it folders of that user's: docker run --rm -u $(id -u) -v "$PWD:/data" claimfeed ...
FROM rust:1.89-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends cmake && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY schemas schemas
COPY benches/stages.rs benches/stages.rs
# A member of the workspace: cargo wants to see it, and does not build it.
COPY python/Cargo.toml python/Cargo.toml
COPY python/src python/src
RUN cargo build --release --locked --bin claimfeed

FROM debian:bookworm-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin claimfeed
COPY --from=build /build/target/release/claimfeed /usr/local/bin/claimfeed
USER 10001
WORKDIR /data
ENTRYPOINT ["claimfeed"]

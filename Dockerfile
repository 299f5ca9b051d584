# syntax=docker/dockerfile:1
# docker build -t signet .

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# With TLS to PostgreSQL; that builds OpenSSL, for which this image has perl and make.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --features postgres-tls \
    && install -D target/release/signet /out/usr/local/bin/signet \
    && install -d -m 0700 /out/data /out/keys

# glibc, libgcc and the certificate authorities; no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="Signet" \
      org.opencontainers.image.description="A standalone JWT identity provider: one binary, SQLite or PostgreSQL" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=build /out/usr/local/bin/signet /usr/local/bin/signet
# 65532 is "nonroot" there. Volumes take their owner from these folders.
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/keys /keys

# Still to be said by whoever runs it: SIGNET_SERVER__PUBLIC_URL (https://…), SIGNET_MAIL__FROM and
# SIGNET_MAIL__SMTP__HOST.
ENV SIGNET_SERVER__PROFILE=production \
    SIGNET_SERVER__LISTEN=0.0.0.0:8080 \
    SIGNET_KEYS__MASTER_KEY_FILE=/keys/master.key \
    SIGNET_MAIL__TRANSPORT=smtp \
    SIGNET_LOG__FORMAT=json
USER 65532:65532
# From here data/signet.db and keys/master.key are in the volumes, and a signet.toml is read.
WORKDIR /
# The master key lies apart from the database: back both up, apart from each other.
VOLUME ["/data", "/keys"]
EXPOSE 8080
STOPSIGNAL SIGTERM
# No HEALTHCHECK: there is no program to ask with. Let the orchestrator ask GET /livez (restart) and
# GET /readyz (send requests).
ENTRYPOINT ["/usr/local/bin/signet"]

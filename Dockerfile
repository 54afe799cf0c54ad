# syntax=docker/dockerfile:1
# Images are pinned by digest, so that a build fetches the bytes that were looked at; Dependabot moves both halves. Distroless has
# its tag alone: its digest has not been looked up yet. `docker buildx imagetools inspect` shows it; put it behind the tag.

FROM rust:1.95.0-bookworm@sha256:6258907abe69656e41cd992e0b705cdcfabcbbe3db374f92ed2d47121282d4a1 AS build
WORKDIR /src
COPY . .
# The checked-in .sqlx/ stands for the database. Without the feature `dev`: the image has the production profile only.
ENV SQLX_OFFLINE=true
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --no-default-features --bin strongroom \
    && install -D target/release/strongroom /out/strongroom \
    && install -d -m 0700 /out/documents

# No shell, no package manager, no user but `nonroot`: whoever gets code to run in here finds nothing to run.
# The service's health check is `strongroom health`. There is no HEALTHCHECK line, since it would hold for `migrate` as well.
FROM gcr.io/distroless/cc-debian13:nonroot
LABEL org.opencontainers.image.title="Strongroom" \
      org.opencontainers.image.description="A reference secure REST service" \
      org.opencontainers.image.licenses="MIT AND GPL-3.0-or-later"
COPY --from=build /out/strongroom /usr/local/bin/strongroom
# A volume that is mounted here begins as this folder: empty, and the service's own.
COPY --from=build --chown=65532:65532 /out/documents /var/lib/strongroom/documents
COPY LICENSE /usr/share/doc/strongroom/LICENSE
# Production is the only profile that listens beyond loopback, and it refuses to start weak.
ENV STRONGROOM_PROFILE=production
# nonroot, by number: Kubernetes' runAsNonRoot cannot look a name up.
USER 65532:65532
EXPOSE 8443
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/strongroom"]
CMD ["serve"]

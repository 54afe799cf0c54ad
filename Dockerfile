# syntax=docker/dockerfile:1
# An image is pinned by its digest, so that a build cannot fetch other content. Dependabot updates tag and digest.
# The distroless image has only a tag, so its publisher can replace it. Add the digest, which `docker buildx imagetools
# inspect` prints.

FROM rust:1.95.0-bookworm@sha256:6258907abe69656e41cd992e0b705cdcfabcbbe3db374f92ed2d47121282d4a1 AS build
WORKDIR /src
COPY . .
# sqlx checks the statements against .sqlx/, so the build needs no database. --no-default-features leaves out the
# feature `dev`, so the image has only the production profile.
ENV SQLX_OFFLINE=true
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --no-default-features --bin strongroom \
    && install -D target/release/strongroom /out/strongroom \
    && install -d -m 0700 /out/documents

# The image has no shell and no package manager, so an attacker finds no program to execute. Its only user is `nonroot`.
# There is no HEALTHCHECK, because it would also apply to `migrate`, which serves no requests. The container of the
# service should run `strongroom health` as its health check.
FROM gcr.io/distroless/cc-debian13:nonroot
LABEL org.opencontainers.image.title="Strongroom" \
      org.opencontainers.image.description="A reference secure REST service" \
      org.opencontainers.image.licenses="MIT AND GPL-3.0-or-later"
COPY --from=build /out/strongroom /usr/local/bin/strongroom
# Docker copies the content and the owner of this folder into a new volume that is mounted here. So the new volume is
# empty, and the user of the service owns it.
COPY --from=build --chown=65532:65532 /out/documents /var/lib/strongroom/documents
COPY LICENSE /usr/share/doc/strongroom/LICENSE
# The development profile listens on loopback only, so it cannot serve other machines. The production profile refuses to
# start with an insecure configuration.
ENV STRONGROOM_PROFILE=production
# Name the user `nonroot` by number, because Kubernetes' runAsNonRoot cannot resolve a name.
USER 65532:65532
EXPOSE 8443
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/strongroom"]
CMD ["serve"]

# syntax=docker/dockerfile:1
# A digest pins an image, so that a build cannot fetch other content. Dependabot updates tag and digest.
# Add the digest of the distroless image (`docker buildx imagetools inspect`): its publisher can replace the tag.

FROM rust:1.95.0-bookworm@sha256:6258907abe69656e41cd992e0b705cdcfabcbbe3db374f92ed2d47121282d4a1 AS build
WORKDIR /src
COPY . .
# sqlx checks the statements against .sqlx/, so the build needs no database.
# --no-default-features leaves out the feature `dev`, so the image has only the production profile.
ENV SQLX_OFFLINE=true
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --no-default-features --bin strongroom \
    && install -D target/release/strongroom /out/strongroom \
    && install -d -m 0700 /out/documents

# The image has no shell and no package manager, so an attacker finds no program to execute.
# A HEALTHCHECK would also apply to `migrate`, so the container of the service runs `strongroom health` itself.
FROM gcr.io/distroless/cc-debian13:nonroot
LABEL org.opencontainers.image.title="Strongroom" \
      org.opencontainers.image.description="A reference secure REST service" \
      org.opencontainers.image.licenses="MIT AND GPL-3.0-or-later"
COPY --from=build /out/strongroom /usr/local/bin/strongroom
# A new volume that is mounted here gets the content and the owner of this folder: empty, and owned by `nonroot`.
COPY --from=build --chown=65532:65532 /out/documents /var/lib/strongroom/documents
COPY LICENSE /usr/share/doc/strongroom/LICENSE
# The production profile refuses to start with an insecure configuration.
ENV STRONGROOM_PROFILE=production
# The number of `nonroot`, because Kubernetes' runAsNonRoot cannot resolve a name.
USER 65532:65532
EXPOSE 8443
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/strongroom"]
CMD ["serve"]

# The image of chat-sessions: `make image` builds it, docs/adr/0044 says why it is made so.
# Both stages have Debian 13's own Python, in the same place, so that an environment made in the
# first runs in the second.
ARG BUILD_IMAGE=debian:trixie-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/python3-debian13

FROM ${BUILD_IMAGE} AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends binutils python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /opt/pip \
    && python3 -m venv --without-pip /opt/venv
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /build
COPY requirements/runtime.txt requirements/
# An index of your own, and its password: --secret id=pip.conf,src=...
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    /opt/pip/bin/pip --python /opt/venv install --no-compile \
        --require-hashes --only-binary :all: --requirement requirements/runtime.txt
COPY pyproject.toml README.md ./
COPY domain domain
COPY application application
COPY adapters adapters
COPY entrypoints entrypoints
# Wheels bring debugging symbols and C sources along: 50 MB that nothing reads. Bytecode is made
# here, since a read-only file system gets none later; it holds whatever becomes of files' dates.
RUN /opt/pip/bin/pip --python /opt/venv install --no-compile --no-deps --no-build-isolation . \
    && find /opt/venv -name '*.so*' -exec strip --strip-unneeded {} + \
    && find /opt/venv -name '*.c' -delete \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM ${RUNTIME_IMAGE}
# The base comes without bytecode of the standard library. The folder of the volume belongs to the
# image's user, and to group 0, in which OpenShift runs a user of its own choice.
RUN ["/usr/bin/python3", "-c", "import compileall, os, sysconfig; \
        compileall.compile_dir(sysconfig.get_path('stdlib'), quiet=1); \
        os.mkdir('/data'); os.chown('/data', 10001, 0); os.chmod('/data', 0o770)"]
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    CHAT_SESSIONS_DATABASE_URL=sqlite:////data/chat-sessions.db \
    CHAT_SESSIONS_HOST=0.0.0.0 \
    CHAT_SESSIONS_PORT=8000
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# Whether the process answers, and not whether its database does: what restarts the unhealthy must
# not restart what heals by itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["/usr/bin/python3", "-IS", "-c", "import http.client, os, sys; \
        c = http.client.HTTPConnection('127.0.0.1', os.environ['CHAT_SESSIONS_PORT'], timeout=2); \
        c.request('GET', '/livez'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["/opt/venv/bin/chat-sessions"]
CMD ["serve"]
ARG VERSION=unknown
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="chat-sessions" \
      org.opencontainers.image.description="An authenticated HTTP service that keeps people's chat sessions and the messages in them." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"

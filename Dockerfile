# tagnode for amd64 and arm64: docker build --tag tagnode . && docker run --rm tagnode --help
# Other extras than these: --build-arg EXTRAS=monitor,notify,import
ARG DEBIAN=debian:bookworm-slim

FROM ${DEBIAN} AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential cmake python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
COPY . /source
ARG EXTRAS=monitor,notify
RUN python3 -m venv /opt/tagnode \
    && /opt/tagnode/bin/pip install --no-cache-dir --disable-pip-version-check "/source[${EXTRAS}]"

FROM ${DEBIAN}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libportaudio2 python3 tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --home-dir /data --shell /usr/sbin/nologin tagnode \
    && install --directory --owner tagnode --mode 1777 /data /models
COPY --from=build /opt/tagnode /opt/tagnode
ENV PATH=/opt/tagnode/bin:$PATH PYPLUGIN_MODELS=/models PYTHONUNBUFFERED=1
USER tagnode
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
# Well is what answers on port 8080; the monitor answers 503 where it cannot heal itself.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s CMD ["python3", "-c", "\
import http.client, sys\n\
connection = http.client.HTTPConnection('127.0.0.1', 8080, timeout=5)\n\
connection.request('GET', '/healthz')\n\
sys.exit(connection.getresponse().status >= 500)"]
ENTRYPOINT ["tagnode"]
CMD ["--help"]

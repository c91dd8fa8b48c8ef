# tagnode for amd64 and arm64: docker build --tag tagnode . && docker run --init --publish 8080:8080 tagnode
# Other extras than these: --build-arg EXTRAS=page,monitor,notify,litert
ARG DEBIAN=debian:bookworm-slim

FROM ${DEBIAN} AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential cmake make python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
COPY . /source
ARG EXTRAS=page,monitor,notify
RUN python3 -m venv /opt/tagnode \
    && /opt/tagnode/bin/pip install --no-cache-dir --disable-pip-version-check "/source[${EXTRAS},web]"
# The WebAssembly of the page, into the installation; its compiler stays behind.
RUN touch /opt/tagnode/.all /opt/tagnode/.web \
    && WEB=$(/opt/tagnode/bin/python -c "\
from pyplugin.support.shipped import shipped; print(shipped('models').parent / 'browser')") \
    && PYTHONSAFEPATH=1 make --directory /source web VENV=/opt/tagnode WEB="$WEB" \
    && /opt/tagnode/bin/pip uninstall --yes ziglang

FROM ${DEBIAN}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libportaudio2 python3 tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --home-dir /data --shell /usr/sbin/nologin tagnode \
    && install --directory --owner tagnode --mode 1777 /data /models
COPY --from=build /opt/tagnode /opt/tagnode
ENV PATH=/opt/tagnode/bin:$PATH PYPLUGIN_MODELS=/models XDG_DATA_HOME=/data PYTHONUNBUFFERED=1
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
CMD ["serve", "--host", "0.0.0.0"]

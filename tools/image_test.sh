#!/usr/bin/env bash
# Builds the image with buildah, which needs no engine, and runs it: the commands, the monitor with its
# pages, and the check of health. As root, by hand: make image-test. The base is Debian's from a registry;
# where none answers, mmdebstrap makes one in build/image. OPTIONS: further options of `buildah bud`,
# such as -v FILE:/etc/pip.conf:ro.
set -euo pipefail
cd "$(dirname "$0")/.."
for program in buildah jq; do
    command -v "$program" >/dev/null || {
        echo "No $program here. Install it: sudo apt-get install buildah jq mmdebstrap" >&2
        exit 1
    }
done
work=$PWD/build/image
mkdir -p "$work"
policy=$work/policy.json
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$policy"
buildah=(buildah --root "$work/root" --runroot "$work/run" --storage-driver vfs)
base=docker.io/library/debian:bookworm-slim

make_base() {
    echo "-- no registry: a base of Debian's packages"
    base=localhost/debian:bookworm-slim
    "${buildah[@]}" inspect --type image "$base" >/dev/null 2>&1 && return
    [ -s "$work/base.tar" ] || mmdebstrap --quiet --variant=minbase --include=ca-certificates \
        --aptopt='Acquire::Check-Valid-Until "false"' bookworm "$work/base.tar"
    local container
    container=$("${buildah[@]}" from --signature-policy "$policy" scratch)
    "${buildah[@]}" add --quiet "$container" "$work/base.tar" / >/dev/null
    "${buildah[@]}" commit --quiet --signature-policy "$policy" "$container" "$base" >/dev/null
    "${buildah[@]}" rm "$container" >/dev/null
}

"${buildah[@]}" pull --quiet --signature-policy "$policy" "$base" >/dev/null 2>&1 || make_base

echo "-- build"
# shellcheck disable=SC2086 # options are words on purpose
"${buildah[@]}" bud --quiet --isolation chroot --pull-never --layers=false --format docker \
    --signature-policy "$policy" --build-arg DEBIAN="$base" ${OPTIONS:-} --tag localhost/tagnode .

about=$("${buildah[@]}" inspect --type image localhost/tagnode | jq .Docker.config)
jq -e '.User == "tagnode" and .Entrypoint == ["tagnode"] and (.Volumes | has("/data"))
  and .Healthcheck.Test[0] == "CMD" and .ExposedPorts["8080/tcp"] != null' <<<"$about" >/dev/null || {
    echo "The image is not what the Dockerfile asks for: $about" >&2
    exit 1
}

container=$("${buildah[@]}" from --signature-policy "$policy" --pull-never localhost/tagnode)
trap '"${buildah[@]}" rm "$container" >/dev/null' EXIT
inside() {
    "${buildah[@]}" run --isolation chroot --user tagnode "$container" -- "$@"
}
echo "-- run"
inside tagnode --version
inside sh -c '[ "$(id -u)" = 10001 ] && touch /data/written && ! touch /opt/tagnode/written 2>/dev/null'
inside sh -c 'tagnode serve --host 192.0.2.1 2>/dev/null | grep "kept in /data/pyplugin/token"'
# A network of one's own, in the folder that is mounted for it: a copy of the shipped one.
inside sh -c 'shipped=$(echo /opt/tagnode/lib/python3*/site-packages/pyplugin/_data/models) &&
  cp "$shipped/scene.tflite" /models/own.tflite && sed "s/\"scene\"/\"own\"/" "$shipped/scene.json" >/models/own.json'
inside sh -c 'tagnode serve --host 127.0.0.1 --port 18081 --seconds 25 >/data/served & sleep 10; cat /data/served
  python3 - <<END
import json, urllib.request
page = "http://127.0.0.1:18081/"
site = json.load(urllib.request.urlopen(page + "site.json"))
assert site["wasm"], "the WebAssembly is not there"
assert [model["id"] for model in site["models"]] == ["scene", "own"], site
for name in ("tagnode/tagnode.wasm", "models/own.tagnode", "healthz"):
    assert urllib.request.urlopen(page + name).read(), name
END
  echo "the page is served"'
inside tagnode monitor init 'cmd: cat /dev/zero' --listen 127.0.0.1:18080 --data /data/log --out radio.toml
check=$(jq -r '.Healthcheck.Test[3]' <<<"$about" | sed 's/8080/18080/')
inside sh -c 'tagnode monitor run --seconds 25 & sleep 10; python3 -c "$1" && echo healthy' sh "$check"
inside sh -c 'tagnode monitor log --config radio.toml | head -n 3'
size=$(du -sm "$("${buildah[@]}" mount "$container")" | cut -f 1)
"${buildah[@]}" umount "$container" >/dev/null
echo "== the image is well; $size MB"

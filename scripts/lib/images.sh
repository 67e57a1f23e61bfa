# shellcheck shell=bash
# The images that fixture recipes use: built here from the package archive, cached in the engine. Needs common.sh,
# packages.sh, engine.sh.
#
# One folder of fixtures/images/ makes several "releases" of an image: the same content under another tag, with the
# release in an environment variable, a label and the default page, so that their digests differ.

readonly IMAGE_BASE=debian:bookworm-slim
readonly IMAGE_FOLDER=$REPO_ROOT/fixtures/images
readonly IMAGE_LABEL=cc-ci.fixture.source

# FOLDER:RELEASE..., built as cc-ci-fixture.invalid/FOLDER:RELEASE.
readonly IMAGE_RELEASES='
static-web:2.1.0 static-web:2.2.0 static-web:2.3.0
nginx:1.26.0 nginx:1.27.0 nginx:1.28.0
data-web:3.0.0
postgres:15.1 postgres:15.2 mariadb:10.11 redis:7.0
'

# images_up: all of them are in the engine afterwards. Each is rebuilt only when its folder has changed.
images_up() { engine_locked images_up_locked; }

images_up_locked() {
  local image
  for image in $IMAGE_RELEASES; do
    image_ensure "${image%%:*}" "${image##*:}"
  done
  # Untagged ones: what newer builds replaced, and stages that files were only copied from.
  docker image prune --force --filter "label=$IMAGE_LABEL" >/dev/null
}

image_ensure() {
  local folder=$1 release=$2
  local name=cc-ci-fixture.invalid/$folder:$release source
  source=$(image_source "$folder" "$release")
  [ "$(image_source_of "$name")" != "$source" ] || return 0
  base_image_ensure
  say "building $name"
  image_build "$name" "$source" "$folder" "$release"
}

# What an image is made of, as one hash: file names, modes and contents of its folder, and the release.
image_source() {
  (
    cd "$IMAGE_FOLDER/$1" || exit
    printf '%s\n' "$2"
    find . -type f -printf '%p %m\n' | LC_ALL=C sort
    find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  ) | sha256sum | cut -c1-16
}

image_source_of() {
  docker image inspect --format "{{index .Config.Labels \"$IMAGE_LABEL\"}}" "$1" 2>/dev/null || true
}

image_build() {
  local name=$1 source=$2 folder=$3 release=$4 log builder
  log=$(mktemp)
  # Debian's docker.io brings no BuildKit client; the classic builder is in every engine and enough for these files.
  builder=0
  if docker buildx version >/dev/null 2>&1; then builder=1; fi
  if ! DOCKER_BUILDKIT=$builder docker build --tag "$name" --label "$IMAGE_LABEL=$source" \
    --build-arg "RELEASE=$release" --build-arg http_proxy --build-arg https_proxy --build-arg no_proxy \
    "$IMAGE_FOLDER/$folder" >"$log" 2>&1; then
    tail -n 25 "$log" >&2
    rm -f "$log"
    give_up "$EXIT_LACKING" "could not build $name" \
      "can containers reach the Debian archive? docker run --rm $IMAGE_BASE apt-get update" \
      "by hand: docker build --build-arg RELEASE=$release $IMAGE_FOLDER/$folder"
  fi
  rm -f "$log"
}

# debian:bookworm-slim: there, else pulled, else made from the package archive.
base_image_ensure() {
  docker image inspect "$IMAGE_BASE" >/dev/null 2>&1 && return 0
  say "pulling $IMAGE_BASE"
  if timeout 120 docker pull -q "$IMAGE_BASE" >/dev/null 2>&1; then return 0; fi
  note "it cannot be pulled here; making it from the Debian package archive instead"
  packages_ensure "$BASE_IMAGE_TOOLS"
  local folder
  folder=$(mktemp -d)
  # shellcheck disable=SC2016 # $1 is mmdebstrap's: the new root
  if ! mmdebstrap --variant=minbase --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' \
    bookworm "$folder/base.tar" >"$folder/log" 2>&1; then
    tail -n 15 "$folder/log" >&2
    rm -rf "$folder"
    give_up "$EXIT_LACKING" "could not make $IMAGE_BASE" \
      "load it yourself (docker load, docker import) or make the Debian archive reachable"
  fi
  docker import --change 'CMD ["bash"]' "$folder/base.tar" "$IMAGE_BASE" >/dev/null
  rm -rf "$folder"
}

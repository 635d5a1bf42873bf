#!/usr/bin/env bash
# Builds the Dockerfile without a registry, and makes a container of it: on a stand-in for node:24-alpine
# with busybox, as in Alpine, the pinned Node, and Debian's git in place of the one that apk would install. It shows
# how the image behaves, not how Alpine does. Runs on Debian or Ubuntu: dev/image/stand-in.sh <directory>
set -euo pipefail
cd "$(dirname "$0")/../.."
[ "$(id --user)" -eq 0 ] || exec sudo dev/image/stand-in.sh "$@"

readonly directory=$1
readonly root=$directory/base/root
readonly name=s3-asset-manager-stand-in
export BUILDAH_ISOLATION=chroot # no runtime and no namespaces of its own

main() {
  install_tools
  mkdir -p "$root"/{bin,etc,opt,proc,root,sbin,sys,tmp,usr/bin,usr/sbin,usr/local/bin,staged}
  chmod 1777 "$root/tmp"
  put_in_busybox
  put_in_node
  stage_git
  build_base
  buildah bud --quiet --from "localhost/$name-base" --tag "$name" .
  buildah from --name "$name" "localhost/$name"
}

install_tools() {
  type -P buildah >/dev/null && type -P busybox >/dev/null && return
  apt-get update
  apt-get install --yes --no-install-recommends buildah busybox-static
}

buildah() {
  command buildah --storage-driver vfs --root "$directory/storage" --runroot "$directory/state" "$@"
}

put_in_busybox() {
  local applet
  busybox --list-full | while read -r applet; do
    ln -s /bin/busybox "$root/$applet"
  done
  cp --remove-destination "$(command -v busybox)" "$root/bin/busybox"
  # As in Alpine, which knows only these users.
  printf '%s\n' root:x:0:0:root:/root:/bin/sh node:x:1000:1000::/home/node:/bin/sh nobody:x:65534:65534:nobody:/:/sbin/nologin >"$root/etc/passwd"
  printf '%s\n' root:x:0: node:x:1000: nobody:x:65534: >"$root/etc/group"
}

put_in_node() {
  cp node_modules/node/bin/node "$root/usr/local/bin/node"
  put_in_libraries node_modules/node/bin/node "$root"
}

# The stand-in for apk takes git from here, so that an image only has git if it installs it.
stage_git() {
  mkdir -p "$root/staged/usr/bin"
  cp "$(command -v git)" "$root/staged/usr/bin/git"
  put_in_libraries "$(command -v git)" "$root"
  cat >"$root/sbin/apk" <<'APK'
#!/bin/sh
case "$*" in
  'add --no-cache git=~2') cp -R /staged/. / ;;
  *) echo "apk $*: only git is here" >&2; exit 1 ;;
esac
APK
  chmod 755 "$root/sbin/apk"
}

put_in_libraries() { # put_in_libraries <program> <root>
  ldd "$1" | grep -o '/[^ ]*' | xargs -I '{}' cp --dereference --parents '{}' "$2"
}

build_base() {
  cat >"$directory/base/Dockerfile" <<'BASE'
FROM scratch
COPY root /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["node"]
BASE
  buildah bud --quiet --tag "$name-base" "$directory/base"
}

main

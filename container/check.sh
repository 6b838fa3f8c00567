#!/bin/bash
# Builds what the Containerfile describes, without a registry of images: a Debian root by debootstrap, the same
# install.sh in it, the root file system read-only, /tmp in memory, an ordinary user. Then everything must work there
# (tests/image_at_work.py), the app must answer, and nothing outside /tmp may have been written.
#
#   container/check.sh [ROOT]      as root; ROOT, an empty folder, is kept where it is named
#
# Exit status 77 and one sentence where this machine cannot do it. The Debian is that of $CANDOR_DEBIAN, else of the
# mirror that apt uses here. $RECORD names a file that gets the figures.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
mirror=${CANDOR_DEBIAN:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
  'Codename: bookworm' 'Component: main' 2>/dev/null | sed -n 1p || true)}
mirror=${mirror:-http://deb.debian.org/debian}
port=${PORT:-$(python3 -c 'import socket; free = socket.socket(); free.bind(("127.0.0.1", 0)); print(free.getsockname()[1])')}
most=2500  # MB

cannot() { echo "container/check.sh: $1" >&2; exit 77; }
[ "$(id -u)" = 0 ] || cannot "only root can make a root file system; run it with sudo"
command -v debootstrap >/dev/null || cannot "debootstrap is missing; install it (apt install debootstrap)"
unshare -m sh -c 'mount -t tmpfs tmpfs /mnt' 2>/dev/null || cannot "this machine allows no mounts of its own"

keep=${1:-}
root=${keep:-$(mktemp -d)}
mkdir -p "$root"
chmod 755 "$root"  # the user in it has to find its way
free=$(($(df -Pk "$root" | awk 'NR == 2 {print $4}') / 1000000))
[ "$free" -ge 6 ] || cannot "$root has $free GB free, and 6 are needed"
leave() { # debootstrap that is ended in the middle leaves its mounts
  umount -l "$root/proc" "$root/sys" 2>/dev/null || true
  [ -n "$keep" ] || rm -rf --one-file-system "$root" "$root.log"
}
trap leave EXIT

echo "1. a Debian root"
[ -x "$root/usr/bin/strip" ] || debootstrap --variant=minbase --include=python3,python3-venv,tini,ca-certificates,binutils \
  bookworm "$root" "$mirror" >/dev/null || cannot "the Debian mirror $mirror gave no root"
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"

echo "2. Candor in it"
rm -rf "$root/opt/candor"
mkdir -p "$root/opt/candor/source"
wanted=$(sed -n 's/^!//p' "$here/.dockerignore")
exclude=$(sed -e '/^[#!]/d' -e '/^$/d' -e '/\*/d' -e 's/^/:(exclude)/' "$here/.dockerignore")
# shellcheck disable=SC2086  # one argument a line
(cd "$here" && git ls-files -z -- $wanted $exclude | tar --null -T - -cf -) | tar -xf - -C "$root/opt/candor/source"
mount_wheels() { # packages that lie on this disk, where pip is told to look for them
  for folder in ${PIP_FIND_LINKS:-}; do [ -d "$folder" ] && mkdir -p "$root$folder" && mount --bind "$folder" "$root$folder"; done
}
export -f mount_wheels
root=$root unshare -m bash -c 'mount_wheels; mount -t proc proc "$root/proc"; chroot "$root" /bin/sh /opt/candor/source/container/install.sh'
chroot "$root" apt-get purge -y -qq --autoremove binutils python3-venv >/dev/null 2>&1  # the image's second stage has neither
chroot "$root" useradd --uid 10001 --user-group --home-dir /tmp --no-create-home --shell /usr/sbin/nologin candor 2>/dev/null || true
[ ! -e "$root/usr/bin/gcc" ] && [ ! -e "$root/usr/bin/cc" ] || { echo "there is a compiler in the root" >&2; exit 1; }
rm -rf "$root/var/cache/apt" "$root/var/lib/apt/lists" "$root/usr/share/doc" "$root/usr/share/man" "$root/usr/share/locale"
megabytes=$(($(du -sk "$root" | cut -f1) * 1024 / 1000000))
echo "   $megabytes MB"
[ "$megabytes" -lt "$most" ] || { echo "the root is larger than $most MB" >&2; exit 1; }

weights=$(find "$root/opt/candor/source/model_zoo" -name 'model.*' | wc -l)
echo "3. read-only, as user 10001, $weights files of weights"
touch "$root/.before"
run() { # one command in the root: read-only, /tmp in memory, no user's rights
  root=$root unshare -m --pid --fork --kill-child bash -c '
    mount --rbind "$root" "$root"; mount -o remount,ro,bind "$root"; mount -t proc proc "$root/proc"
    mount -t tmpfs -o size=512m tmpfs "$root/tmp"; mount -t tmpfs tmpfs "$root/dev"
    for device in null zero random urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
    mkdir "$root/dev/shm"; mount -t tmpfs tmpfs "$root/dev/shm"
    exec chroot --userspec=10001:10001 "$root" /usr/bin/env -i HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PATH=/usr/bin:/bin "$@"
  ' run "$@"
}
run /usr/bin/id -u | grep -qx 10001
if run /bin/sh -c 'echo x > /opt/candor/x' 2>/dev/null; then echo "the root file system can be written to" >&2; exit 1; fi
# With the test and the files that it makes, which the image does not hold.
tar -C "$here" -cf - tests/__init__.py tests/good_files.py tests/image_at_work.py | run /bin/sh -c '
  mkdir /tmp/test && tar -xf - -C /tmp/test && cd /opt/candor/source &&
  PYTHONPATH=.:/tmp/test exec /opt/candor/venv/bin/python -m tests.image_at_work' 2>"$root.log" ||
  { echo "not everything works:" >&2; tail -n 30 "$root.log" >&2; exit 1; }

echo "4. the app answers"
run /usr/bin/tini -- /bin/sh -c "cd /opt/candor/source && exec /opt/candor/venv/bin/python -m streamlit run app.py --server.address 127.0.0.1 --server.port $port" >"$root.log" 2>&1 &
app=$!
for _ in $(seq 120); do
  if python3 "$here/container/healthy.py" "http://127.0.0.1:$port/_stcore/health" 2>/dev/null; then well=yes; break; fi
  kill -0 "$app" 2>/dev/null || break
  sleep 1
done
for parent in $(pgrep -P "$app") "$app"; do # the first process in the root ends all there; no other user's signal does
  pkill -KILL -P "$parent" 2>/dev/null || true
done
wait "$app" 2>/dev/null || true
[ "${well:-}" = yes ] || { echo "the app did not answer:" >&2; tail -n 20 "$root.log" >&2; exit 1; }
rm -f "$root.log"

written=$(find "$root" -xdev -newer "$root/.before" -not -path "$root/.before" -not -path "$root/proc*" -not -path "$root/dev*" -not -path "$root" | head -5)
[ -z "$written" ] || { echo "written outside /tmp: $written" >&2; exit 1; }
[ -z "${RECORD:-}" ] || printf '{\n "command": "make image",\n "megabytes": %d,\n "most": %d,\n "files of weights": %d,\n "seconds": %d\n}\n' \
  "$megabytes" "$most" "$weights" "$SECONDS" >"$RECORD"
echo "all well: app and API work as user 10001 on a read-only root, and wrote to /tmp alone"

#!/bin/sh
# Installs Candor into a Debian 12 root: run inside it as root, with the source in /opt/candor/source.
# The build stage of the Containerfile runs it, and check.sh runs it in a root made with debootstrap.
set -eu
prefix=/opt/candor
python3 -m venv "$prefix/venv"
"$prefix/venv/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check --no-compile \
  --require-hashes -r "$prefix/source/requirements.txt"

# What a running app never reads: headers, the packages' own tests, the installer, other makers' processors, Arrow's
# network protocol, Plotly's part for notebooks, all codecs but those of JPEG (scans/jpeg_decoders.py), maps of minified
# scripts, and the symbols of TensorFlow's libraries.
packages=$("$prefix/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cd "$packages"
rm -rf tensorflow/include clang pip pip-*.dist-info setuptools setuptools-*.dist-info _distutils_hack distutils-precedence.pth
rm -f openvino/libs/libopenvino_intel_[gn]pu_plugin.so openvino/libs/cache.json pyarrow/libarrow_flight.so.* pyarrow/_flight.*.so \
  pyarrow/libarrow_s3.so.* pyarrow/_s3fs.*.so
rm -rf plotly/labextension
find imagecodecs -name '_*.so' ! -name '_imcd.*' ! -name '_shared*' ! -name '_jpeg8.*' ! -name '_jpegls.*' ! -name '_jpegsof3.*' -delete
find . -type d -name tests -prune -exec rm -rf {} +
find . \( -name '*.h' -o -name '*.hpp' -o -name '*.a' -o -name '*.pxd' -o -name '*.pyx' -o -name '*.pyi' -o -name '*.js.map' \) -delete
find tensorflow -name '*.so*' -size +1M -exec strip --strip-unneeded {} +

# Compiled once here, since nothing can be written beside the sources later.
"$prefix/venv/bin/python" -m compileall -q -j 0 "$packages" "$prefix/source" >/dev/null || true

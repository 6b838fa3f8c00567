#!/bin/sh
# Installs Candor into a Debian 12 root: run inside it as root, with the source in /opt/candor/source.
# The build stage of the Containerfile runs it, and check.sh runs it in a root made with debootstrap.
set -eu
prefix=/opt/candor
python3 -m venv "$prefix/venv"
"$prefix/venv/bin/python" -m pip install --quiet --no-cache-dir --disable-pip-version-check --no-compile \
  --require-hashes -r "$prefix/source/requirements.txt"

# What a running app never reads: headers, the packages' own tests, the installer, other makers' processors, Arrow's
# network protocols, TensorFlow's remote procedure calls, operations of other compilers, what Plotly and pydeck have for
# notebooks, all codecs but those of JPEG (scans/jpeg_decoders.py) and TIFF (scans/images.py) with their libraries, and
# maps of minified scripts.
packages=$("$prefix/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cd "$packages"
rm -rf tensorflow/include clang pip pip-*.dist-info setuptools setuptools-*.dist-info _distutils_hack distutils-precedence.pth
rm -rf grpc tensorflow/compiler/tf2xla/ops/_xla_ops.so tensorflow/compiler/mlir/stablehlo/stablehlo_extension.so
rm -f openvino/libs/libopenvino_intel_[gn]pu_plugin.so openvino/libs/cache.json pyarrow/libarrow_flight.so.* pyarrow/_flight.*.so \
  pyarrow/libarrow_s3.so.* pyarrow/_s3fs.*.so
rm -rf plotly/labextension plotly/package_data/plotly.min.js plotly/package_data/widgetbundle.js pydeck/nbextension
find imagecodecs -name '_*.so' ! -name '_imcd.*' ! -name '_shared*' ! -name '_jpeg8.*' ! -name '_jpegls.*' ! -name '_jpegsof3.*' \
  ! -name '_tiff.*' -delete
needed=$(ldd imagecodecs/*.so | sed -n 's|.*/imagecodecs\.libs/\([^ ]*\) .*|\1|p' | sort -u)
for library in imagecodecs.libs/*; do
  printf '%s\n' "$needed" | grep -qxF "${library#*/}" || rm "$library"
done
find . -type d -name tests -prune -exec rm -rf {} +
# scikit-image reads its stubs (.pyi) to know what to import.
find . \( -name '*.h' -o -name '*.hpp' -o -name '*.a' -o -name '*.pxd' -o -name '*.pyx' -o -name '*.js.map' \
  -o -name '*.pyi' ! -path './skimage/*' \) -delete
# Without symbols, but for libraries that other packages brought along: those were changed so that `strip` breaks them.
find . -name '*.so*' -size +100k ! -path './*.libs/*' -exec strip --strip-unneeded {} +

# Compiled once here, since nothing can be written beside the sources later.
"$prefix/venv/bin/python" -m compileall -q -j 0 "$packages" "$prefix/source" >/dev/null || true

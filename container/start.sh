#!/bin/sh
# Starts one service of the image: app (port 8501) or api (port 8600).
set -eu
cd /opt/candor/source
python=/opt/candor/venv/bin/python
case "${1:-app}" in
  app) exec "$python" -m streamlit run app.py --server.address 0.0.0.0 --server.port 8501 \
         --server.allowedHosts "${CANDOR_HOST:-localhost}" --server.allowedHosts 127.0.0.1 \
         ${CANDOR_USER_HEADERS:+--server.trustedUserHeaders "$CANDOR_USER_HEADERS"} ;;
  api) exec "$python" -m api --host 0.0.0.0 --port 8600 --tokens /run/secrets/candor_tokens \
         --allow-host "${CANDOR_HOST:-localhost}" ;;
  *) echo "$1 is no service of this image; it has app and api" >&2; exit 2 ;;
esac

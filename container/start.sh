#!/bin/sh
# Starts one service of the image: app (port 8501) or api (port 8000).
set -eu
cd /opt/candor/source
case "${1:-app}" in
  app) exec /opt/candor/venv/bin/python -m streamlit run app.py --server.address 0.0.0.0 --server.port 8501 ;;
  api) exec /opt/candor/venv/bin/python -m api --host 0.0.0.0 --port 8000 ;;
  *) echo "$1 is no service of this image; it has app and api" >&2; exit 2 ;;
esac

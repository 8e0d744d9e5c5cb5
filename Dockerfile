# twinmatch as a service: two stages, no root, nothing fetched at run time.
FROM python:3.13-slim-bookworm AS build
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY src src
COPY data data
COPY models models
COPY notebooks notebooks
COPY requirements/service.txt requirements/service.txt
# Every file that is fetched is known by its hash beforehand (make lock).
RUN python -m venv /opt/twinmatch \
 && /opt/twinmatch/bin/pip install --no-cache-dir --require-hashes -r requirements/service.txt \
 && /opt/twinmatch/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/twinmatch twinmatch
COPY --from=build /opt/twinmatch /opt/twinmatch
ENV PATH=/opt/twinmatch/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    MALLOC_ARENA_MAX=2 \
    TWINMATCH_HOST=0.0.0.0 \
    TWINMATCH_PORT=8080 \
    TWINMATCH_ACCESS=keys \
    TWINMATCH_STORE=/var/lib/twinmatch/twinmatch.sqlite \
    TWINMATCH_CACHE=/var/lib/twinmatch/cache
USER 10001
WORKDIR /var/lib/twinmatch
VOLUME /var/lib/twinmatch
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=120s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
ENTRYPOINT ["twinmatch"]
CMD ["serve"]

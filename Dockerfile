# Every role in one image, with the demo data inside; `--target gpu` adds torch for workers.
FROM python:3.11-slim-bookworm AS base
# OpenMP, which the ALS library is linked to.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libgomp1 \
 && rm -rf /var/lib/apt/lists/*

FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH
# Dependencies first: they change less often than the code.
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN pip install --constraint constraints.txt '.[serve,demo]' \
 && pip uninstall --yes prism-recommender
COPY catalog catalog
COPY ranker ranker
COPY models models
COPY service service
RUN pip install --no-deps . \
 && prism data import demo \
 && prism train-ranker \
 && pip uninstall --yes pandas

FROM base AS cpu
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin prism
COPY --from=build /venv /venv
COPY --from=build --chown=prism /app/data /data
# Where the containers of docker-compose.yml find their secrets: volumes take over the owner.
RUN install --directory --owner=prism --mode=700 /secrets/redis /secrets/signing
# The model is converted and measured for this machine at the start: PRISM_ENGINES must be writable.
# A container listens for other machines, so without API keys it does not serve, unless it is told
# that something else keeps strangers out (PRISM_ALLOW_OPEN=1).
ENV PATH=/venv/bin:$PATH PRISM_DATA=/data/demo PRISM_SNAPSHOT=/data/ranker PRISM_HOST=0.0.0.0 \
    PRISM_ENGINES=/tmp/engines
USER prism
EXPOSE 8000
HEALTHCHECK --start-period=20s --interval=10s CMD ["python", "-m", "service.cli.ready", "8000"]
ENTRYPOINT ["prism"]
CMD ["serve"]

FROM build AS build-gpu
RUN pip install --constraint constraints.txt torch transformers

FROM cpu AS gpu
COPY --from=build-gpu /venv /venv

# What is built where no target is named.
FROM cpu

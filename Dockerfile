# docker build --tag fwibench .
# docker build --tag fwibench:cuda --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 .
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS wheel
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:${PYTHON}-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY constraints.txt /tmp/
# the largest layer, which a change of fwibench leaves alone; for Linux, PyPI has the build with CUDA only
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" --constraint /tmp/constraints.txt torch
# the build of torch from the layer before stays: it satisfies the constraint
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    pip install --no-cache-dir --constraint /tmp/constraints.txt /wheels/*.whl
RUN useradd --uid 1000 --create-home fwibench && install --directory --owner fwibench /data /work
USER 1000
ENV FWIBENCH_DATA=/data
VOLUME /data
WORKDIR /work
ENTRYPOINT ["fwibench"]
CMD ["--help"]

# An image with the command line and nothing else: docker build -t sqlitevault:1.1.0 .
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements-build.txt requirements.txt ./
RUN pip install --require-hashes -r requirements-build.txt
RUN python -m venv --without-pip /opt/sqlitevault
RUN uv pip install --python /opt/sqlitevault --compile-bytecode --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY lambdas/sqlitevault lambdas/sqlitevault
RUN pip wheel --no-deps --no-build-isolation --wheel-dir wheels .
RUN uv pip install --python /opt/sqlitevault --compile-bytecode --no-deps wheels/*.whl

FROM python:3.11-slim
COPY --from=build /opt/sqlitevault /opt/sqlitevault
ENV PATH=/opt/sqlitevault/bin:$PATH
USER 1000:1000
ENTRYPOINT ["sqlitevault"]

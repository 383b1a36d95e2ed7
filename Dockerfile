# Images of Broadsheet, one for each target:
#   migrate   runs the migrations and ends
#   demo      loads 2,000 made-up articles and ends
#   server    serves; as the last target, it is the default
# packages/*.txt name the packages. ./dev installs the same ones, so the tests run with them.

FROM debian:bookworm-slim AS build
WORKDIR /src
COPY packages/build.txt packages/
RUN apt-get update \
    && apt-get install -y --no-install-recommends $(sed 's/#.*//' packages/build.txt) \
    && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release && cmake --build --preset release && bash -c '. tools/address && address_program'

FROM debian:bookworm-slim AS migrate
WORKDIR /broadsheet
COPY packages/migrate.txt packages/
RUN apt-get update \
    && apt-get install -y --no-install-recommends $(sed 's/#.*//' packages/migrate.txt) \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin broadsheet
COPY tools/migrate tools/address tools/
COPY --from=build /src/build/tools/conninfo build/tools/
COPY migrations migrations
USER 10001
# The address is in the environment variable DATABASE_URL, because `docker ps` shows command lines.
CMD ["tools/migrate", "up"]

FROM debian:bookworm-slim AS base
COPY packages/server.txt /usr/local/share/broadsheet/
RUN apt-get update \
    && apt-get install -y --no-install-recommends $(sed 's/#.*//' /usr/local/share/broadsheet/server.txt) \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin broadsheet
COPY --from=build /src/build/release/broadsheet /usr/local/bin/
USER 10001

FROM base AS demo
COPY --from=build /src/build/release/bench/make_articles /usr/local/bin/
CMD ["bash", "-c", "set -o pipefail; make_articles --demo 2000 | broadsheet import -"]

FROM base AS server
COPY deploy/healthcheck /usr/local/bin/broadsheet-healthcheck
COPY deploy/cities.json /usr/local/share/broadsheet/
ENV BROADSHEET_LISTEN=0.0.0.0:8080
EXPOSE 8080
# /healthz, not /readyz: a restart of the server does not help when the database is lost.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["broadsheet-healthcheck", "/healthz"]
ENTRYPOINT ["broadsheet"]
CMD ["serve"]

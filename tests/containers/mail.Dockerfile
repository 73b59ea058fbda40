ARG BASE
FROM $BASE
COPY . /opt
RUN install -m 755 /opt/mailpit /mailpit
ENV PYTHONPATH=/opt
USER 65534:65534
ENTRYPOINT ["/mailpit"]

ARG BASE
FROM $BASE
COPY . /opt
RUN useradd --create-home --uid 1000 appuser && install -d -o appuser -m 775 /var/lib/kafka /var/lib/kafka/data
USER appuser
VOLUME /var/lib/kafka/data

{{/* Parts that several templates share. Each takes a dict: root (the chart's scope), and name, the service or job. */}}

{{- define "registration.labels" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "registration.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "registration.kafka" -}}
KAFKA_BOOTSTRAP_SERVERS: {{ .root.Values.kafka.bootstrapServers | quote }}
KAFKA_SECURITY_PROTOCOL: {{ .root.Values.kafka.securityProtocol }}
KAFKA_SASL_MECHANISM: {{ .root.Values.kafka.saslMechanism }}
KAFKA_TOPIC_PREFIX: {{ .root.Values.kafka.topicPrefix | quote }}
{{- if .root.Values.kafka.caSecret }}
KAFKA_SSL_CAFILE: /etc/registration/kafka/ca.crt
{{- end }}
{{- end }}

{{- define "registration.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false # a Service named kafka would set KAFKA_PORT and the like
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65534
  runAsGroup: 65534
  fsGroup: 65534
  seccompProfile:
    type: RuntimeDefault
volumes:
  - name: tmp
    emptyDir:
      medium: Memory
      sizeLimit: 32Mi
  {{- if .root.Values.kafka.caSecret }}
  - name: kafka-ca
    secret:
      secretName: {{ .root.Values.kafka.caSecret }}
  {{- end }}
{{- end }}

{{- define "registration.container" -}}
image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- if .root.Values.kafka.caSecret }}
  - name: kafka-ca
    mountPath: /etc/registration/kafka
    readOnly: true
  {{- end }}
{{- end }}

{{- define "registration.secret" -}}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end }}

{{- define "registration.configmap" -}}
{{- $values := .root.Values -}}
LOG_FORMAT: json
{{ include "registration.kafka" . }}
KAFKA_SASL_USERNAME: {{ .name }}
{{- if ne .name "registrar" }}
PUBLIC_URL: {{ get $values.urls .name | quote }}
{{- end }}
{{- if eq .name "notifier" }}
PORTAL_URL: {{ $values.urls.portal | quote }}
APPROVER_URL: {{ $values.urls.approver | quote }}
MAIL_FROM: {{ $values.mail.from | quote }}
REVIEW_MAIL_TO: {{ $values.mail.reviews | quote }}
{{- end }}
{{- if has .name (list "portal" "approver") }}
OIDC_ISSUER: {{ $values.openid.issuer | quote }}
OIDC_CLIENT_ID: {{ $values.openid.clientId | quote }}
{{- end }}
{{- range $setting, $value := $values.settings }}
{{ $setting }}: {{ $value | quote }}
{{- end }}
{{- end }}

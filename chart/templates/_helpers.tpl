{{/* N: the chart's name, or what is put in its place. */}}
{{- define "vmdhcp.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* F: what the objects of this release are named after. */}}
{{- define "vmdhcp.fullname" -}}
{{- $name := include "vmdhcp.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* S: the manager's service account. That of the agents is S-agent. */}}
{{- define "vmdhcp.serviceAccountName" -}}
{{- default (ternary (include "vmdhcp.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{/* Immutable once a Deployment has been made with them. */}}
{{- define "vmdhcp.selectorLabels" -}}
app.kubernetes.io/name: {{ include "vmdhcp.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "vmdhcp.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "vmdhcp.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/component: controller
{{- end }}

{{/* An image, out of (dict "image" VALUES "tag" DEFAULT-TAG). A digest needs no tag, and may stand in the repository. */}}
{{- define "vmdhcp.reference" -}}
{{- $tag := .image.tag | default "" | toString }}
{{- $digest := .image.digest | default "" | trimPrefix "@" }}
{{- if and (not $tag) (not $digest) (not (contains "@" .image.repository)) }}
{{- $tag = .tag }}
{{- end }}
{{- .image.repository }}{{ with $tag }}:{{ . }}{{ end }}{{ with $digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "vmdhcp.image" -}}
{{- include "vmdhcp.reference" (dict "image" .Values.image "tag" .Chart.AppVersion) }}
{{- end }}

{{/* The agents' image: the manager's, unless its values say otherwise. With a repository of its own it has a tag of its own. */}}
{{- define "vmdhcp.agentImage" -}}
{{- $own := .Values.agent.image }}
{{- if $own.repository }}
{{- include "vmdhcp.reference" (dict "image" $own "tag" .Chart.AppVersion) }}
{{- else if or $own.tag $own.digest }}
{{- include "vmdhcp.reference" (dict "image" (dict "repository" .Values.image.repository "tag" $own.tag "digest" $own.digest) "tag" .Chart.AppVersion) }}
{{- else }}
{{- include "vmdhcp.image" . }}
{{- end }}
{{- end }}

{{/* The chart's name, and the name that all objects begin with. */}}
{{- define "executor.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 54 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 54 bytes: a Service's name has 63, and some are added. */}}
{{- define "executor.fullname" -}}
{{- $name := include "executor.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- $name = .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- $name = .Release.Name -}}
{{- else -}}
{{- $name = printf "%s-%s" .Release.Name $name -}}
{{- end -}}
{{- $name | trunc 54 | trimSuffix "-" -}}
{{- end -}}

{{- define "executor.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "executor.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: galaxy
{{- end -}}

{{- define "executor.jobNamespace" -}}
{{- default .Release.Namespace .Values.jobNamespace -}}
{{- end -}}

{{/* The head's account. */}}
{{- define "executor.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "executor.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The account of jobs' pods; nothing for the namespace's default one. */}}
{{- define "executor.workerAccountName" -}}
{{- with .Values.worker.serviceAccount -}}
{{- if .create -}}
{{- default (printf "%s-worker" (include "executor.fullname" $)) .name -}}
{{- else -}}
{{- .name -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Secret with the workers' keys; nothing where they have an identity instead. */}}
{{- define "executor.credentialsName" -}}
{{- with .Values.worker.credentials -}}
{{- if .existingSecret -}}
{{- .existingSecret -}}
{{- else if .file -}}
{{- include "executor.fullname" $ }}-credentials
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Refuses what is right value by value, and wrong together. */}}
{{- define "executor.judge" -}}
{{- $keys := .Values.worker.credentials -}}
{{- $role := get .Values.worker.serviceAccount.annotations "eks.amazonaws.com/role-arn" -}}
{{- $ways := compact (list $keys.existingSecret $keys.file (ternary "yes" "" $keys.podIdentity) $role) -}}
{{- if gt (len $ways) 1 -}}
{{- fail "workers have more than one source of credentials: keep one of worker.credentials.existingSecret, .file, .podIdentity and the annotation eks.amazonaws.com/role-arn" -}}
{{- end -}}
{{- if and $keys.file (not (contains "aws_secret_access_key" $keys.file)) -}}
{{- /* Said here and not by the schema, whose messages show the value. */ -}}
{{- fail "worker.credentials.file is no AWS credentials file: it has no aws_secret_access_key" -}}
{{- end -}}
{{- if and .Values.worker.serviceAccount.annotations (not .Values.worker.serviceAccount.create) -}}
{{- fail "worker.serviceAccount.annotations are for an account that the chart makes: set worker.serviceAccount.create, or annotate the account yourself" -}}
{{- end -}}
{{- if and .Values.serviceAccount.annotations (not .Values.serviceAccount.create) -}}
{{- fail "serviceAccount.annotations are for an account that the chart makes: set serviceAccount.create, or annotate the account where it is made (galaxy-helm: serviceAccount.annotations)" -}}
{{- end -}}
{{- $head := printf "%s/%s" .Release.Namespace (include "executor.serviceAccountName" .) -}}
{{- if eq $head (printf "%s/%s" (include "executor.jobNamespace" .) (include "executor.workerAccountName" .)) -}}
{{- fail "the head and the workers have the same account: the head's may start Jobs, which no tool should have" -}}
{{- end -}}
{{- with .Values.networkPolicy -}}
{{- if and .enabled (not .s3.cidrs) (not .s3.peers) (not .extraEgress) -}}
{{- fail "networkPolicy lets no worker reach the store: set networkPolicy.s3.cidrs or networkPolicy.s3.peers" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.metrics.enabled (not .Values.metrics.selector) -}}
{{- fail "metrics.selector is required with metrics.enabled: the labels of the pods in which the head runs" -}}
{{- end -}}
{{- end -}}

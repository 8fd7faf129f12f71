{{/* The block s3_executor: the values' own, and the names of what this chart makes. */}}
{{- define "executor.config" -}}
{{- $own := dict "executor" "kubernetes" "kubernetes" (dict "k8s_use_service_account" true) -}}
{{- $config := mergeOverwrite $own (deepCopy .Values.config) -}}
{{- $cluster := $config.kubernetes -}}
{{- range $key, $instead := dict
      "k8s_namespace" "jobNamespace"
      "service_account" "worker.serviceAccount.name"
      "credentials_secret" "worker.credentials.existingSecret" -}}
{{- if hasKey $cluster $key -}}
{{- fail (printf "config.kubernetes.%s is set by the chart: set %s in its place" $key $instead) -}}
{{- end -}}
{{- end -}}
{{- if not (dig "s3" "bucket" "" $config) -}}
{{- fail "config.s3.bucket is required: the bucket through which all files go" -}}
{{- end -}}
{{- if and (eq $config.executor "kubernetes") (not $cluster.worker_image) -}}
{{- fail "config.kubernetes.worker_image is required: the worker's image, by its digest, as Scripts/image prints it" -}}
{{- end -}}
{{- $_ := set $cluster "k8s_namespace" (include "executor.jobNamespace" .) -}}
{{- with include "executor.workerAccountName" . -}}{{- $_ := set $cluster "service_account" . -}}{{- end -}}
{{- with include "executor.credentialsName" . -}}{{- $_ := set $cluster "credentials_secret" . -}}{{- end -}}
{{- toYaml (dict "s3_executor" $config) -}}
{{- end -}}

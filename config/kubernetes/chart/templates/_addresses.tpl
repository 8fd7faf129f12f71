{{/* Where clouds hand out credentials: link-local, which is AWS's, Google's, Azure's and OpenStack's, with
ECS's and EKS's own; Alibaba's; Azure's host. */}}
{{- define "executor.metadataIPv4" -}}
169.254.0.0/16 100.100.100.200/32 168.63.129.16/32
{{- end -}}

{{/* The same in IPv6: link-local, AWS's, Google's. */}}
{{- define "executor.metadataIPv6" -}}
fe80::/10 fd00:ec2::/32 fd20:ce::/32
{{- end -}}

{{/* "true" if the first IPv4 range of two holds the whole second one. */}}
{{- define "executor.holds" -}}
{{- $outer := splitList "/" (index . 0) -}}
{{- $inner := splitList "/" (index . 1) -}}
{{- $size := 1 -}}
{{- range until (int (sub 32 (atoi (index $outer 1)))) -}}{{- $size = mul $size 2 -}}{{- end -}}
{{- $first := div (include "executor.number" (index $outer 0) | int64) $size -}}
{{- $second := div (include "executor.number" (index $inner 0) | int64) $size -}}
{{- if and (le (atoi (index $outer 1)) (atoi (index $inner 1))) (eq $first $second) -}}true{{- end -}}
{{- end -}}

{{/* An IPv4 address as a number. */}}
{{- define "executor.number" -}}
{{- $number := 0 -}}
{{- range splitList "." . -}}{{- $number = add (mul $number 256) (atoi .) -}}{{- end -}}
{{- $number -}}
{{- end -}}

{{/* The peers of the rule for the store, as YAML: each range without what must not be reached in it. */}}
{{- define "executor.storePeers" -}}
{{- $s3 := .Values.networkPolicy.s3 -}}
{{- $peers := list -}}
{{- $used := list -}}
{{- range $cidr := $s3.cidrs -}}
  {{- $six := contains ":" $cidr -}}
  {{- $except := list -}}
  {{- if $six -}}
    {{- if eq $cidr "::/0" -}}
      {{- $except = splitList " " (include "executor.metadataIPv6" $) -}}
      {{- range $s3.except -}}{{- if contains ":" . -}}{{- $except = append $except . -}}{{- end -}}{{- end -}}
    {{- else if regexMatch "^(fe[89ab][0-9a-f]|fd00:0?ec2|fd20:0?0?ce):" (lower $cidr) -}}
      {{- fail (printf "networkPolicy.s3.cidrs: %s holds addresses at which clouds hand out credentials" $cidr) -}}
    {{- end -}}
  {{- else -}}
    {{- range $hidden := splitList " " (include "executor.metadataIPv4" $) -}}
      {{- if include "executor.holds" (list $hidden $cidr) -}}
        {{- fail (printf "networkPolicy.s3.cidrs: %s is where clouds hand out credentials" $cidr) -}}
      {{- else if include "executor.holds" (list $cidr $hidden) -}}
        {{- $except = append $except $hidden -}}
      {{- end -}}
    {{- end -}}
    {{- range $hidden := $s3.except -}}
      {{- if contains ":" $hidden -}}
      {{- else if include "executor.holds" (list $hidden $cidr) -}}
        {{- fail (printf "networkPolicy.s3: nothing is left of %s without %s" $cidr $hidden) -}}
      {{- else if include "executor.holds" (list $cidr $hidden) -}}
        {{- $except = append $except $hidden -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
  {{- $used = concat $used $except -}}
  {{- $block := dict "cidr" $cidr -}}
  {{- if $except -}}{{- $_ := set $block "except" (uniq $except) -}}{{- end -}}
  {{- $peers = append $peers (dict "ipBlock" $block) -}}
{{- end -}}
{{- range $s3.except -}}
  {{- if not (has . $used) -}}
    {{- fail (printf "networkPolicy.s3.except: %s lies within none of networkPolicy.s3.cidrs" .) -}}
  {{- end -}}
{{- end -}}
{{- toYaml (concat $peers $s3.peers) -}}
{{- end -}}

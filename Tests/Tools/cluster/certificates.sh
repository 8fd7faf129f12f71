# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The cluster's keys, certificates and kubeconfigs. Part of Scripts/cluster, which sets state, pki
# and api_port; node.sh sets node_name.

make_certificates() {
    certificate_key ca
    openssl req -x509 -new -key "$pki/ca.key" -subj /CN=galaxy-s3-cluster -days 30 -out "$pki/ca.crt"
    certificate_key service-account
    openssl ec -in "$pki/service-account.key" -pubout -out "$pki/service-account.pub" 2> /dev/null
    certificate apiserver /CN=kube-apiserver serverAuth \
        IP:127.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
    certificate kubelet-server "/CN=$node_name" serverAuth IP:127.0.0.1
    certificate apiserver-kubelet /O=system:masters/CN=apiserver-kubelet clientAuth
    certificate admin /O=system:masters/CN=admin clientAuth
    certificate controller-manager /CN=system:kube-controller-manager clientAuth
    certificate scheduler /CN=system:kube-scheduler clientAuth
    certificate kubelet "/O=system:nodes/CN=system:node:$node_name" clientAuth
    local user
    for user in admin controller-manager scheduler kubelet; do
        kubeconfig "$user" default << YAML
client-certificate-data: $(base64 -w 0 < "$pki/$user.crt")
client-key-data: $(base64 -w 0 < "$pki/$user.key")
YAML
    done
}

certificate_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$pki/$1.key"; }

# certificate NAME SUBJECT USAGE [ALTERNATIVE-NAMES]
certificate() {
    certificate_key "$1"
    openssl req -new -key "$pki/$1.key" -subj "$2" |
        openssl x509 -req -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 30 \
            -out "$pki/$1.crt" -extfile <(
                echo "extendedKeyUsage=$3"
                [ -z "${4:-}" ] || echo "subjectAltName=$4"
            ) 2> /dev/null
}

# kubeconfig USER NAMESPACE: writes $state/USER.kubeconfig; the user's YAML comes by standard input.
kubeconfig() {
    cat > "$state/$1.kubeconfig" << YAML
apiVersion: v1
kind: Config
current-context: cluster
contexts:
- name: cluster
  context: {cluster: cluster, user: user, namespace: $2}
clusters:
- name: cluster
  cluster:
    server: https://127.0.0.1:$api_port
    certificate-authority-data: $(base64 -w 0 < "$pki/ca.crt")
users:
- name: user
  user:
$(sed 's/^/    /')
YAML
    chmod 600 "$state/$1.kubeconfig"
}

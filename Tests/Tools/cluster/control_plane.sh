# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The cluster's control plane. Part of Scripts/cluster, which sets state, pki, kubernetes, api_port,
# etcd_port and peer_port.

start_control_plane() {
    local etcd=http://127.0.0.1:$etcd_port peer=http://127.0.0.1:$peer_port
    # The data is gone with the cluster: there is no power cut it has to outlive.
    launch etcd etcd --name=cluster --data-dir="$state/etcd" --unsafe-no-fsync \
        --listen-client-urls="$etcd" --advertise-client-urls="$etcd" \
        --listen-peer-urls="$peer" --initial-advertise-peer-urls="$peer" \
        --initial-cluster="cluster=$peer"

    # Service addresses are loopback ones, so that nothing that tries one leaves the machine (there is
    # no kube-proxy). TTLAfterFinished is on by default from 1.21 on.
    launch kube-apiserver "$kubernetes/kube-apiserver" --etcd-servers="$etcd" \
        --bind-address=127.0.0.1 --secure-port="$api_port" --insecure-port=0 \
        --advertise-address=127.0.0.1 --endpoint-reconciler-type=none \
        --service-cluster-ip-range=127.96.0.0/24 --client-ca-file="$pki/ca.crt" \
        --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
        --kubelet-certificate-authority="$pki/ca.crt" \
        --kubelet-client-certificate="$pki/apiserver-kubelet.crt" \
        --kubelet-client-key="$pki/apiserver-kubelet.key" \
        --kubelet-preferred-address-types=InternalIP \
        --service-account-issuer=https://kubernetes.default.svc \
        --service-account-key-file="$pki/service-account.pub" \
        --service-account-signing-key-file="$pki/service-account.key" \
        --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
        --feature-gates=TTLAfterFinished=true
    wait_until 60 'the API server' kubectl get --raw /readyz

    # Their own limits on requests a second would make forty pods at once wait for nothing.
    local as_client=(
        --bind-address=127.0.0.1 --port=0 --secure-port=0 --leader-elect=false
        --kube-api-qps=500 --kube-api-burst=1000
    )
    launch kube-controller-manager "$kubernetes/kube-controller-manager" "${as_client[@]}" \
        --kubeconfig="$state/controller-manager.kubeconfig" --use-service-account-credentials=true \
        --root-ca-file="$pki/ca.crt" \
        --service-account-private-key-file="$pki/service-account.key" \
        --flex-volume-plugin-dir="$state/node/plugins" \
        --feature-gates=TTLAfterFinished=true
    launch kube-scheduler "$kubernetes/kube-scheduler" "${as_client[@]}" \
        --kubeconfig="$state/scheduler.kubeconfig"
}

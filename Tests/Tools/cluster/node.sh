# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# The cluster's only node: its network, containerd and the kubelet. Part of Scripts/cluster, which sets
# tools, state, pki, kubernetes, debian, name, subnet and kubelet_port.

# The kubelet takes a name that is an address as the node's address.
node_name=127.0.0.1

start_node() {
    write_network
    write_containerd
    launch containerd containerd --config="$state/etc/containerd.toml"
    wait_until 30 containerd ctr version
    load_pause
    write_kubelet
    # No device plugins: their folder's place is fixed.
    launch kubelet "$kubernetes/kubelet" --config="$state/etc/kubelet.yaml" \
        --kubeconfig="$state/kubelet.kubeconfig" --hostname-override="$node_name" \
        --root-dir="$state/kubelet" --cert-dir="$state/kubelet/pki" --container-runtime=remote \
        --container-runtime-endpoint="unix://$state/containerd.sock"
    wait_until 60 "the node's registration" kubectl get node "$node_name"
    kubectl wait --for=condition=Ready "node/$node_name" --timeout=90s > /dev/null ||
        die "the node is not ready; see $state/log/kubelet"
}

# No gateway and no masquerading: a pod reaches the host's address on the bridge and the other pods,
# and nothing beyond.
write_network() {
    mkdir -p "$state/etc/cni"
    cat > "$state/etc/cni/bridge.conflist" << JSON
{"cniVersion": "0.4.0", "name": "$name", "plugins": [{"type": "bridge", "bridge": "$name",
  "ipam": {"type": "host-local", "dataDir": "$state/addresses", "ranges":
    [[{"subnet": "$subnet.0/24", "rangeStart": "$subnet.10", "rangeEnd": "$subnet.250"}]]}}]}
JSON
}

# Of registries, only those of this machine can be reached, and those by plain HTTP.
write_containerd() {
    cat > "$state/etc/containerd.toml" << TOML
version = 2
root = "$state/containerd/root"
state = "$state/containerd/state"
[grpc]
  address = "$state/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  stream_server_address = "127.0.0.1"
  # Where root may not lower it, runc must not try to.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$debian/usr/lib/cni"
    conf_dir = "$state/etc/cni"
[plugins."io.containerd.internal.v1.opt"]
  path = "$state/containerd/opt"
TOML
}

load_pause() {
    install -D "$kubernetes/pause" "$state/pause/pause"
    python3 "$tools/make_image.py" --name localhost/pause:1 --root "$state/pause" \
        --entrypoint /pause --output "$state/pause.tar" > /dev/null
    ctr images import "$state/pause.tar" > /dev/null
}

# Images are never collected: there may be nowhere to pull them from again. A pod's name server is its
# own loopback, which refuses at once. A Secret that changes is looked for every second. QPS 0 is no
# limit.
write_kubelet() {
    : > "$state/etc/resolv.conf"
    cat > "$state/etc/kubelet.yaml" << YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 127.0.0.1
port: $kubelet_port
healthzPort: 0
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: true}
  x509: {clientCAFile: $pki/ca.crt}
authorization: {mode: Webhook}
tlsCertFile: $pki/kubelet-server.crt
tlsPrivateKeyFile: $pki/kubelet-server.key
volumePluginDir: $state/kubelet/plugins
featureGates: {DevicePlugins: false}
cgroupDriver: cgroupfs
cgroupRoot: /$name
failSwapOn: false
makeIPTablesUtilChains: false
resolvConf: $state/etc/resolv.conf
clusterDNS: [127.0.0.1]
nodeStatusUpdateFrequency: 2s
syncFrequency: 1s
configMapAndSecretChangeDetectionStrategy: Watch
serializeImagePulls: false
registryPullQPS: 0
eventRecordQPS: 0
kubeAPIQPS: 500
kubeAPIBurst: 1000
maxPods: 110
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard:
  {memory.available: 100Mi, nodefs.available: 1%, nodefs.inodesFree: 1%, imagefs.available: 1%}
YAML
}

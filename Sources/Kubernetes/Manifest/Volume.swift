// SPDX-License-Identifier: Apache-2.0

/// A volume of a pod: of the kinds there are, those that we use.
package struct Volume: Encodable, Sendable, Equatable {
    package var name: String
    package var emptyDir: EmptyDirectory?
    package var secret: SecretFiles?
    package var persistentVolumeClaim: Claim?
    package var hostPath: HostPath?

    /// A directory that lives as long as the pod.
    package struct EmptyDirectory: Encodable, Sendable, Equatable {
        /// `Memory`, or nil for the node's disk.
        package var medium: String?
        /// A quantity; who writes more is evicted.
        package var sizeLimit: String
    }

    /// A Secret, each key a file.
    package struct SecretFiles: Encodable, Sendable, Equatable {
        package var secretName: String
    }

    /// A volume that is there before the pod and after it.
    package struct Claim: Encodable, Sendable, Equatable {
        package var claimName: String
        package var readOnly: Bool?
    }

    /// A directory of the node's own. Only the worker's `fetch` is ever given one, never a tool.
    package struct HostPath: Encodable, Sendable, Equatable {
        package var path: String
        package var type: String
    }

    package static func emptyDirectory(
        _ name: String,
        medium: String?,
        sizeLimit: String
    ) -> Volume {
        Volume(name: name, emptyDir: EmptyDirectory(medium: medium, sizeLimit: sizeLimit))
    }

    package static func secret(_ name: String, of secret: String) -> Volume {
        Volume(name: name, secret: SecretFiles(secretName: secret))
    }

    package static func claim(_ name: String, of claim: String, isReadOnly: Bool) -> Volume {
        Volume(
            name: name,
            persistentVolumeClaim: Claim(claimName: claim, readOnly: isReadOnly ? true : nil)
        )
    }

    /// Made by the kubelet, for root alone, where it is not there.
    package static func nodeDirectory(_ name: String, at path: String) -> Volume {
        Volume(name: name, hostPath: HostPath(path: path, type: "DirectoryOrCreate"))
    }
}

/// Where a container sees a volume, or a folder of it.
package struct VolumeMount: Encodable, Sendable, Equatable {
    package var name: String
    package var mountPath: String
    /// nil for the whole volume.
    package var subPath: String?
    package var readOnly: Bool?

    package init(
        _ name: String,
        at mountPath: String,
        subPath: String? = nil,
        isReadOnly: Bool = false
    ) {
        self.name = name
        self.mountPath = mountPath
        self.subPath = subPath
        readOnly = isReadOnly ? true : nil
    }
}

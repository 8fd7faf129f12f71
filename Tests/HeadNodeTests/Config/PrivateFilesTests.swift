// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HeadNode

@Suite struct PrivateFilesTests {
    @Test func whereKeysAndPasswordsAreIsKnown() throws {
        var resolver = SettingsResolver(
            file: ConfigFile(
                Array("s3_executor: {s3: {bucket: galaxy}}\n".utf8),
                named: "config/galaxy.yml"
            ),
            environment: [
                "HOME": "/home/galaxy", "AWS_REGION": "us-east-1", "KUBECONFIG": "/k/one:~/two",
                "AWS_SHARED_CREDENTIALS_FILE": "/secret/keys",
            ],
            flags: ["kubernetes.k8s_config_path=/k/three"]
        )
        let found = Set(
            try resolver.settings().privateFiles.map { String(decoding: $0, as: UTF8.self) }
        )
        #expect(
            found == [
                "config/galaxy.yml", "/home/galaxy/.aws/config", "/home/galaxy/.aws/credentials",
                "/home/galaxy/.kube/config", "/secret/keys", "/k/one", "/home/galaxy/two",
                "/k/three",
                "/var/run/secrets/kubernetes.io/serviceaccount/token",
            ]
        )
    }
}
